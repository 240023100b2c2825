import { posix } from 'node:path';

import { UserError } from '../../model/index.ts';
import { encodeHeader, tarEnd, tarPadding } from '../../roots/tar-header.ts';
import { readMembers, type Member } from '../../roots/tar-members.ts';
import { headerOf, type Files } from './archive.ts';
import type { Engine } from './client.ts';
import { openSpool, type Spool } from './spool.ts';

/**
 * A tar of paths of a container, with names relative to `/`, from what the engine gives of the whole: for engines whose
 * archive endpoint has no owners. All is taken before any of it is given on: the engine answers nothing else about the
 * container meanwhile.
 */
export async function* tarOfExport(
  engine: Engine,
  container: string,
  files: Files,
  paths: readonly string[],
): AsyncIterable<Uint8Array> {
  const spool = openSpool();
  try {
    await collect(engine, container, await realNames(files, paths), spool, files);
    yield* spool.give();
  } finally {
    spool.drop();
  }
}

/** Wanted names, by the names that they have in the export. */
async function realNames(files: Files, paths: readonly string[]): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const path of paths) {
    const folder = await files.resolve(posix.dirname(path));
    names.set(posix.join(folder.path, posix.basename(path)).slice(1), posix.normalize(path).slice(1));
  }
  return names;
}

async function collect(
  engine: Engine,
  container: string,
  names: ReadonlyMap<string, string>,
  spool: Spool,
  files: Files,
): Promise<void> {
  const given = new Set<string>();
  const alone: Member[] = [];
  for await (const member of readMembers(await engine.stream('GET', `/containers/${container}/export`))) {
    const name = wanted(member.name, names);
    if (name === undefined || name === '' || member.type === 'socket') continue;
    const target = member.type === 'hardlink' ? wanted(member.target ?? '', names) : member.target;
    if (member.type === 'hardlink' && (target === undefined || !given.has(target))) {
      alone.push(member); // its content lies under a name that nobody asked for
      continue;
    }
    given.add(name);
    spool.add(encodeHeader({ ...headerOf(member), name, target }));
    for await (const piece of member.content()) spool.add(piece);
    spool.add(tarPadding(member.size));
  }
  for (const member of alone) {
    const name = wanted(member.name, names) ?? member.name;
    const content = await files.read(`/${member.name}`, Number.MAX_SAFE_INTEGER);
    if (content === undefined) continue; // it is gone since
    given.add(name);
    spool.add(encodeHeader({ ...headerOf(member), type: 'file', name, target: undefined, size: content.length }));
    spool.add(content);
    spool.add(tarPadding(content.length));
  }
  for (const name of names.values()) {
    if (name !== '' && !given.has(name)) throw new UserError(`/${name} is not there`);
  }
  spool.add(tarEnd);
}

function wanted(name: string, names: ReadonlyMap<string, string>): string | undefined {
  for (let at = name; ; at = posix.dirname(at)) {
    const found = names.get(at === '.' ? '' : at);
    if (found !== undefined) return posix.join(found, name.slice(at === '.' ? 0 : at.length + 1)) || found;
    if (at === '.' || at === '/') return undefined;
  }
}
