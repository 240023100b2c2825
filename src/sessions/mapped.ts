import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';

import type { Argv } from '../model/index.ts';
import { removeTree } from '../inventory/remove-tree.ts';
import { enterArgv, enterEnvironment, openParameters, type Fields } from './enter.ts';
import { runProcess } from './process.ts';

/** Which ids a tree of ours may have: all as root, a range that the administrator gave us, or our own alone. */
export type Mapping =
  | { readonly kind: 'root' }
  | { readonly kind: 'subordinate'; readonly uids: Range; readonly gids: Range }
  | { readonly kind: 'single' };

interface Range {
  readonly first: number;
  readonly count: number;
}

/** What this user has: see subuid(5) and newuidmap(1). */
export function findMapping(): Mapping {
  if (process.geteuid?.() === 0) return { kind: 'root' };
  if (!['newuidmap', 'newgidmap'].every(isInstalled)) return { kind: 'single' };
  const uids = subordinateRange('/etc/subuid');
  const gids = subordinateRange('/etc/subgid');
  return uids === undefined || gids === undefined ? { kind: 'single' } : { kind: 'subordinate', uids, gids };
}

/** The command and parameters that run a command as root of a user namespace of ours; as root, the command itself. */
export function mapArgv(mapping: Mapping, argv: Argv): { readonly argv: Argv; readonly fields: Fields } {
  if (mapping.kind === 'root') return { argv, fields: [] };
  const words = argv.map((word) => ['map', word] as const);
  if (mapping.kind === 'single') return { argv: enterArgv('map'), fields: words };
  const range = ({ first, count }: Range) => `${first}:${count}`;
  return {
    argv: enterArgv('map'),
    fields: [...words, ['uids', range(mapping.uids)], ['gids', range(mapping.gids)]],
  };
}

/**
 * Removes a tree of ours, which may have files of every id that we may give: by rm(1) in the user namespace where those
 * ids are ours. Never crosses a mount. What is not there is gone already.
 */
export async function removeMapped(directory: string): Promise<void> {
  if (!existsSync(directory)) return;
  const mapping = findMapping();
  if (mapping.kind !== 'root') {
    const mapped = mapArgv(mapping, ['/bin/rm', '-rf', '--one-file-system', '--', directory]);
    using parameters = openParameters(mapped.fields);
    await runProcess(mapped.argv, { env: enterEnvironment, cwd: '/', descriptors: [parameters.descriptor] });
  }
  await removeTree(directory);
}

/** Copies a tree with everything that the owners of `mapping` can show; `to` must not be there. */
export async function copyMapped(from: string, to: string, signal: AbortSignal): Promise<void> {
  const mapped = mapArgv(findMapping(), ['/bin/cp', '-a', '-x', '--reflink=auto', '--', from, to]);
  using parameters = openParameters(mapped.fields);
  await runProcess(mapped.argv, { env: enterEnvironment, cwd: '/', signal, descriptors: [parameters.descriptor] });
}

/** The id inside that an id of this machine is; 65534 (nobody) where it is none, as the kernel has it. */
export function insideId(mapping: Mapping, kind: 'uids' | 'gids', id: number): number {
  if (mapping.kind === 'root') return id;
  const own = kind === 'uids' ? process.geteuid?.() : process.getegid?.();
  if (id === own) return 0;
  if (mapping.kind === 'single') return 65_534;
  const { first, count } = mapping[kind];
  return id >= first && id < first + count ? id - first + 1 : 65_534;
}

/** Whether it is where newuidmap and its like are, for us to run. */
export function isInstalled(program: string): boolean {
  return ['/usr/bin', '/bin', '/usr/sbin'].some((folder) => {
    try {
      accessSync(`${folder}/${program}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The first range of at least 65,535 ids (all that a Debian root uses, `nobody` among them), by name or number. */
function subordinateRange(file: string): Range | undefined {
  let lines: string[];
  try {
    lines = readFileSync(file, 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const names = new Set([String(process.geteuid?.()), userName()]);
  for (const line of lines) {
    const [name = '', first, count] = line.split(':');
    if (names.has(name) && Number(count) >= 65_535)
      return { first: Number(first), count: Math.min(Number(count), 65_536) };
  }
  return undefined;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return ''; // an id without a name
  }
}
