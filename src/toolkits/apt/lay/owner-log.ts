import { readlinkSync, type Stats } from 'node:fs';
import { posix } from 'node:path';

import { byBytes } from '../../../model/index.ts';
import { decodeName, encodeName } from '../../../roots/names.ts';
import type { Owned } from './worker.ts';

const call = /^\d+ +(\w+)\((.*)\) += (-?\d+)/;

/**
 * Follows strace's log of changed owners, renames and removals, from the owners that were unpacked. A file that is
 * renamed over another takes its owner when none but root was asked for: programs that replace a file ask for the
 * owner that they see, and they see root everywhere.
 */
export function ownersOfLog(
  text: string,
  unpacked: readonly Owned[],
  lstat: (path: string) => Stats | undefined,
  root: string,
): readonly Owned[] {
  const owners = new Map<string, readonly [uid: number, gid: number]>(
    unpacked.map(([path, uid, gid]) => [path, [uid, gid]]),
  );
  for (const line of joinResumed(text.split('\n'))) {
    const [, name = '', list = '', result = ''] = call.exec(line) ?? [];
    if (result !== '0') continue;
    const args = splitArguments(list);
    if (name.includes('chown')) change(name, args, owners, root);
    else if (name.startsWith('rename')) move(name, args, owners);
    else if (name.startsWith('unlink') || name === 'rmdir') {
      const path = name === 'unlinkat' ? pathOf(args[0], args[1]) : pathOf(undefined, args[0]);
      if (path !== undefined) owners.delete(path);
    }
  }
  return [...owners]
    .filter(([path, [uid, gid]]) => (uid !== 0 || gid !== 0) && lstat(path) !== undefined)
    .map(([path, [uid, gid]]): Owned => [path, uid, gid])
    .sort(([a], [b]) => byBytes(a, b));
}

type Owners = Map<string, readonly [uid: number, gid: number]>;

function change(name: string, args: readonly string[], owners: Owners, root: string): void {
  const isAt = name === 'fchownat';
  const named = name === 'fchown' ? descriptorPath(args[0]) : pathOf(isAt ? args[0] : undefined, args[isAt ? 1 : 0]);
  if (named === undefined) return;
  const follows = name === 'chown' || (isAt && args[4]?.includes('NOFOLLOW') !== true);
  const path = follows ? followed(named, root) : named;
  const [uid, gid] = (isAt ? args.slice(2) : args.slice(1)).map(Number);
  const before = owners.get(path) ?? [0, 0];
  const keep = (value: number | undefined, old: number) =>
    value === undefined || Number.isNaN(value) || value === -1 || value === 0xffffffff ? old : value;
  owners.set(path, [keep(uid, before[0]), keep(gid, before[1])]);
}

function move(name: string, args: readonly string[], owners: Owners): void {
  const isAt = name !== 'rename';
  const from = pathOf(isAt ? args[0] : undefined, args[isAt ? 1 : 0]);
  const to = pathOf(isAt ? args[2] : undefined, args[isAt ? 3 : 1]);
  if (from === undefined || to === undefined) return;
  const own = owners.get(from);
  if (own !== undefined && (own[0] !== 0 || own[1] !== 0)) owners.set(to, own);
  owners.delete(from);
  const below = [...owners].filter(([path]) => path.startsWith(`${from}/`));
  for (const [path, owner] of below) {
    owners.delete(path);
    owners.set(to + path.slice(from.length), owner);
  }
}

/** The path of an argument, absolute in the root; names of folders are printed as they really are. */
function pathOf(folder: string | undefined, argument: string | undefined): string | undefined {
  const quoted = /^"((?:[^"\\]|\\.)*)"/s.exec(argument ?? '')?.[1];
  if (quoted === undefined) return undefined;
  const name = unescape(quoted);
  if (name === '' && folder !== undefined) return descriptorPath(folder);
  const base = folder === undefined ? undefined : descriptorPath(folder);
  if (name.startsWith('/')) return posix.normalize(name);
  return base === undefined ? undefined : posix.join(base, name);
}

function descriptorPath(argument: string | undefined): string | undefined {
  const path = /^(?:AT_FDCWD|\d+)<(\/.*)>(?:\(deleted\))?$/s.exec(argument ?? '')?.[1];
  return path === undefined ? undefined : unescape(path);
}

/** Through a link at the last part, within the root. */
function followed(path: string, root: string, hops = 0): string {
  if (hops > 20) return path;
  try {
    const target = readlinkSync(encodeName(root + path));
    const next = target.startsWith('/') ? posix.normalize(target) : posix.join(posix.dirname(path), target);
    return followed(next, root, hops + 1);
  } catch {
    return path;
  }
}

function unescape(text: string): string {
  const bytes = text.replaceAll(
    /\\(?:([0-7]{1,3})|x([0-9a-f]{2})|(.))/gs,
    (_, octal?: string, hex?: string, sign?: string) => {
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      return { n: '\n', t: '\t', r: '\r', v: '\v', f: '\f' }[sign ?? ''] ?? sign ?? '';
    },
  );
  return decodeName(Buffer.from(bytes, 'latin1'));
}

function splitArguments(list: string): string[] {
  const found: string[] = [];
  let from = 0;
  let quoted = false;
  let depth = 0;
  for (let at = 0; at < list.length; at += 1) {
    const sign = list[at];
    if (quoted) {
      if (sign === '\\') at += 1;
      else if (sign === '"') quoted = false;
    } else if (sign === '"') quoted = true;
    else if (sign === '<' || sign === '[') depth += 1;
    else if (sign === '>' || sign === ']') depth -= 1;
    else if (sign === ',' && depth === 0) {
      found.push(list.slice(from, at).trim());
      from = at + 1;
    }
  }
  return [...found, list.slice(from).trim()];
}

/** Calls that another process interrupted are printed in two pieces. */
function* joinResumed(lines: Iterable<string>): Generator<string> {
  const open = new Map<string, string>();
  for (const line of lines) {
    const pid = line.slice(0, line.indexOf(' '));
    if (line.endsWith(' <unfinished ...>')) {
      open.set(pid, line.slice(0, -' <unfinished ...>'.length));
      continue;
    }
    const resumed = /^\d+ +<\.\.\. \w+ resumed>(.*)$/s.exec(line)?.[1];
    if (resumed === undefined) {
      yield line;
      continue;
    }
    yield `${open.get(pid) ?? ''}${resumed}`;
    open.delete(pid);
  }
}
