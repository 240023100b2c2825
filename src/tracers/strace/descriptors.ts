import { fstatSync, readFileSync, readlinkSync } from 'node:fs';

import { decodeName } from '../../roots/names.ts';
import type { Scene } from './scene.ts';

/** A descriptor of ours that the command gets, and its number there. */
export interface Inherited {
  readonly ours: number;
  readonly theirs: number;
}

/**
 * Descriptors beyond the first three that the command names (`diff <(a) <(b)` passes /dev/fd/63): Node would close
 * them.
 */
export function namedDescriptors(argv: readonly string[]): readonly number[] {
  const named = argv.flatMap((word) => {
    const number = /^\/(?:dev|proc\/self)\/fd\/([0-9]{1,4})$/.exec(word)?.[1];
    return number === undefined || Number(number) < 3 ? [] : [Number(number)];
  });
  return [...new Set(named)].filter(isOpen);
}

/** Records the files behind descriptors that the command is born with: their opens are not in its trace. */
export function recordInherited(scene: Scene, descriptors: readonly Inherited[]): void {
  for (const { ours } of descriptors) {
    const file = fileOf(ours);
    if (file === undefined) continue;
    const touched = scene.accesses.touch(file.path, false);
    scene.accesses.opened(touched, {
      reads: file.access !== 1,
      writes: file.access !== 0,
      creates: false,
      // A shell's `>` has just emptied it; `>>` finds something.
      fresh: file.access !== 0 && file.size === 0,
      directory: file.directory,
      looks: false,
      nameless: false,
    });
  }
}

function fileOf(
  descriptor: number,
): { readonly path: string; readonly access: number; readonly size: number; readonly directory: boolean } | undefined {
  try {
    const stat = fstatSync(descriptor);
    const path = decodeName(readlinkSync(`/proc/self/fd/${descriptor}`, { encoding: 'buffer' }));
    if (!path.startsWith('/') || stat.isCharacterDevice() || path.startsWith('/proc/') || stat.nlink === 0)
      return undefined;
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1'))?.[1];
    return { path, access: Number.parseInt(flags ?? '0', 8) & 3, size: stat.size, directory: stat.isDirectory() };
  } catch {
    return undefined;
  }
}

function isOpen(descriptor: number): boolean {
  try {
    fstatSync(descriptor);
    return true;
  } catch {
    return false;
  }
}
