import { readlinkSync } from 'node:fs';

import { UserError } from '../model/index.ts';
import type { Confinement } from '../contract/index.ts';
import { ownFiles, openHouse, runningAs, type House } from '../index.ts';
import { whereOf } from '../flows/resource.ts';
import type { OptionOf, Options } from './verb.ts';
import type { Terminal } from './terminal.ts';

/** Options that several verbs have, said once. */
export const backendOptions: readonly OptionOf[] = [
  {
    flags: '-b, --backend [name]',
    says: 'a backend, or a resource; alone it lists them',
    otherwise: 'chroot',
    matters: true,
  },
  { flags: '--set <key=value...>', says: 'a parameter of the backend; may be given several times' },
];

export const confinementOptions: readonly OptionOf[] = [
  { flags: '--trust', says: 'run it even where it cannot be confined' },
  { flags: '--network', says: 'let what runs inside reach the network' },
  { flags: '--mount <host:path...>', says: 'let a folder of this machine in; :ro at the end for reading only' },
];

/** The house of whoever sits at this terminal. */
export function houseOf(terminal: Terminal): House {
  return openHouse({ onProgress: terminal.onProgress, signal: terminal.signal });
}

/** `--set key=value`, as an object; values are texts, typed by the backend's schema. */
export function paramsFrom(options: Options): Record<string, string> {
  return Object.fromEntries(
    options.list('set').map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new UserError(`--set ${pair}: expected key=value`, { status: 2 });
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** Where it is made: the backend, or that of a resource, with its parameters; those of the command line come first. */
export function whereFrom(
  options: Options,
  hall: Pick<House, 'backends' | 'settings'>,
): { readonly backend: string; readonly params: Readonly<Record<string, string>> } {
  return whereOf(options.text('backend') ?? hall.backends[0]?.name ?? '', paramsFrom(options), hall);
}

/** How much it may reach; `own`: it is one's own trace. */
export function confinementFrom(options: Options, own: boolean): Confinement {
  return {
    level: own || options.flag('trust') ? 'trusted' : 'confined',
    network: own || options.flag('network') ? 'host' : 'none',
    mounts: options.list('mount').map((word) => {
      const [source, path = source, mode] = word.split(':');
      if (source === undefined || path === undefined || !source.startsWith('/') || !path.startsWith('/')) {
        throw new UserError(`--mount ${word}: expected /folder/here:/folder/inside[:ro]`, { status: 2 });
      }
      return { source, path, readonly: mode === 'ro' };
    }),
  };
}

export { ownFiles, runningAs };

/** The files that our own streams were redirected to or from: they are nobody's input. */
export function ownStreams(): string[] {
  return [0, 1, 2].flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith('/') && !target.startsWith('/dev/') ? [target] : [];
    } catch {
      return [];
    }
  });
}

/** Our environment less what is ours. */
export function environmentForCommands(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (pair): pair is [string, string] => pair[1] !== undefined && !pair[0].startsWith('REPRONIM_'),
    ),
  );
}
