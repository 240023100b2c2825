import { spawn, type ChildProcess } from 'node:child_process';

import { UserError } from '../../model/index.ts';
import { sshEnvironment } from './environment.ts';
import { fieldsOf, frameOf, frameReader } from './frames.ts';
import type { Host } from './host.ts';

/** Our part on a host, listening to requests, which are answered in order. */
export interface Channel {
  /** One request, one answer: its fields. Throws RemoteFailed for what could not be done there. */
  ask(fields: readonly (string | number)[]): Promise<Buffer[]>;
  /** One request whose answer is bytes. */
  askWhole(fields: readonly (string | number)[]): Promise<Buffer>;
  /** One request, many answers; the last one is `end`. Nobody else's request comes between. */
  askMany(fields: readonly (string | number)[]): AsyncIterable<Buffer[]>;
  /** What it says by itself when it has begun. */
  greet(): Promise<void>;
  close(): void;
  readonly isOpen: boolean;
}

/** What a request failed at there. */
export class RemoteFailed extends Error {
  readonly step: string;
  readonly because: string;
  constructor(step: string, because: string) {
    super(`${step}: ${because}`);
    this.name = 'RemoteFailed';
    this.step = step;
    this.because = because;
  }
}

/** Starts it; it ends when it is closed, or we end. It keeps us running only while an answer is waited for. */
export function openChannel(host: Host, mode: 'serve' | 'look', fields: readonly string[]): Channel {
  const [program, ...rest] = host.connection.argv(host.line(mode, fields));
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'pipe'], env: sshEnvironment(), detached: true });
  let said = '';
  let isOpen = true;
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  child.stdin.on('error', () => {});
  child.once('close', () => (isOpen = false));
  const next = frameReader(child);
  let queue: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  const lost = () => {
    isOpen = false;
    const because = said.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').trim();
    return new UserError(`the connection to ${host.connection.host} is lost${because === '' ? '' : `: ${because}`}`, {
      hint: 'what was going on there is ended; try again',
    });
  };
  const answer = async (): Promise<Buffer> => {
    const body = await next();
    if (body === undefined) throw lost();
    const end = body.indexOf(0);
    if (body.toString('latin1', 0, end) !== 'failed') return body;
    const [, first = '', second] = fieldsOf(body).map((field) =>
      field
        .toString('utf8')
        .replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ')
        .slice(0, 4000),
    );
    throw second === undefined ? new RemoteFailed('there', first) : new RemoteFailed(first, second);
  };
  /** One after the other. */
  const turn = async <T>(work: () => Promise<T>): Promise<T> => {
    const before = queue;
    const { promise, resolve } = Promise.withResolvers<void>();
    queue = promise;
    waiting += 1;
    hold(child, true);
    try {
      await before;
      return await work();
    } finally {
      resolve();
      waiting -= 1;
      if (waiting === 0) hold(child, false);
    }
  };
  const askWhole = async (asked: readonly (string | number)[]) =>
    await turn(async () => {
      child.stdin.write(frameOf(asked));
      return await answer();
    });
  hold(child, false);
  return {
    get isOpen() {
      return isOpen;
    },
    askWhole,
    async greet() {
      await turn(answer);
    },
    ask: async (asked) => fieldsOf(await askWhole(asked)).slice(1),
    async *askMany(asked) {
      const before = queue;
      const { promise, resolve } = Promise.withResolvers<void>();
      queue = promise;
      waiting += 1;
      hold(child, true);
      let done = false;
      try {
        await before;
        child.stdin.write(frameOf(asked));
        for (;;) {
          const body = await answer();
          const [head, ...rest] = fieldsOf(body);
          if (head?.toString('latin1') === 'end') break;
          yield rest;
        }
        done = true;
      } finally {
        if (!done) {
          isOpen = false; // answers that nobody reads would be taken for others
          child.kill();
        }
        resolve();
        waiting -= 1;
        if (waiting === 0) hold(child, false);
      }
    },
    close() {
      isOpen = false;
      child.stdin.end();
    },
  };
}

/** Whether its pipes keep us from ending. */
function hold(child: ChildProcess, does: boolean): void {
  const held = [child, child.stdin, child.stdout, child.stderr] as unknown as { ref(): void; unref(): void }[];
  for (const one of held) {
    if (does) one.ref();
    else one.unref();
  }
}
