import { openChannel, type Channel } from './channel.ts';
import type { Host } from './host.ts';

/** Requests about instances and trees of ours on a host: one channel for all, as long as it is of use. */
export interface Control {
  ask(what: string, fields?: Readonly<Record<string, string | number>>, rest?: readonly string[]): Promise<string[]>;
  /** Something that ends when it is given back, or when we end. */
  hold(what: string, fields: Readonly<Record<string, string | number>>, rest: readonly string[]): Promise<Held>;
}

/** Something that is held on a host for us. */
export interface Held {
  /** What was said when it was taken. */
  readonly answer: readonly string[];
  release(): Promise<void>;
}

/** So long, an idle channel waits for the next request: milliseconds. */
const patience = 2000;

const controls = new WeakMap<Host, Control>();

/** The control channel of a host, which is opened when it is asked. */
export function controlOf(host: Host): Control {
  const known = controls.get(host);
  if (known !== undefined) return known;
  const control = makeControl(host);
  controls.set(host, control);
  return control;
}

function makeControl(host: Host): Control {
  let channel: Channel | undefined;
  let uses = 0;
  let timer: NodeJS.Timeout | undefined;
  const idle = () => {
    if (uses > 0) return;
    timer = setTimeout(() => {
      if (uses > 0) return;
      channel?.close();
      channel = undefined;
    }, patience);
    timer.unref();
  };
  const open = (): Channel => {
    clearTimeout(timer);
    if (channel?.isOpen !== true) channel = openChannel(host, 'serve', []);
    return channel;
  };
  const asked = (what: string, fields: Readonly<Record<string, string | number>>, rest: readonly string[]) => [
    '@do',
    what,
    ...Object.entries(fields).flatMap(([name, value]) => [`@${name}`, value]),
    ...rest,
  ];
  return {
    async ask(what, fields = {}, rest = []) {
      await host.connection.ensure();
      uses += 1;
      try {
        return (await open().ask(asked(what, fields, rest))).map((field) => field.toString('utf8'));
      } finally {
        uses -= 1;
        idle();
      }
    },
    async hold(what, fields, rest) {
      await host.connection.ensure();
      uses += 1;
      const on = open();
      let token: string;
      let answer: string[];
      try {
        [token = '', ...answer] = (await on.ask(asked(what, fields, rest))).map((field) => field.toString('utf8'));
      } catch (error) {
        uses -= 1;
        idle();
        throw error;
      }
      return {
        answer,
        async release() {
          if (on.isOpen) await on.ask(asked('leave', { token }, [])).catch(() => {}); // it ended by itself then
          uses -= 1;
          idle();
        },
      };
    },
  };
}
