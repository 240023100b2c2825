import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { Session } from '../../contract/index.ts';
import { encodeHeader, tarEnd, tarPadding } from '../../roots/tar-header.ts';
import { readMembers } from '../../roots/tar-members.ts';

const prefix = 'replaced-';

/** Keeps what is at these paths, in an instance's own folder, before it is replaced: whole, or not at all. */
export async function keepReplaced(folder: string, paths: readonly string[], session: Session): Promise<void> {
  if (paths.length === 0) return;
  const file = join(folder, `${prefix}${String((await keptFiles(folder)).length).padStart(4, '0')}.tar`);
  const beside = `${file}.new`;
  try {
    await pipeline(Readable.from(session.tar(paths)), createWriteStream(beside, { mode: 0o600 }));
    const handle = await open(beside);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
  } finally {
    await rm(beside, { force: true });
  }
}

/** Puts back what was kept of these paths, as it was. */
export async function putBack(folder: string, paths: ReadonlySet<string>, session: Session): Promise<void> {
  if (paths.size === 0) return;
  for (const file of await keptFiles(folder)) await session.untar(only(paths, join(folder, file)), '/');
}

/** Lets go of what was kept. */
export async function forgetReplaced(folder: string): Promise<void> {
  for (const file of await keptFiles(folder)) await rm(join(folder, file), { force: true });
}

async function keptFiles(folder: string): Promise<readonly string[]> {
  if (!existsSync(folder)) return [];
  return (await readdir(folder)).filter((name) => name.startsWith(prefix) && name.endsWith('.tar')).sort();
}

async function* only(paths: ReadonlySet<string>, file: string): AsyncGenerator<Uint8Array> {
  for await (const member of readMembers(createReadStream(file))) {
    const { content, offset: _, type, ...header } = member;
    if (type === 'socket' || !paths.has(`/${member.name}`)) continue;
    yield encodeHeader({ ...header, type, target: header.target });
    yield* content();
    yield tarPadding(member.size);
  }
  yield tarEnd;
}
