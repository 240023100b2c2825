import { readFile } from 'node:fs/promises';

import { compressionOf, decompress } from '../../roots/decompress.ts';
import { refused } from '../../roots/refused.ts';
import { readTarFiles } from '../../roots/tar-files.ts';
import { isSafeAbsolute, UserError } from '../../model/index.ts';
import type { Store } from '../../contract/index.ts';
import type { NpmPackage } from './spec.ts';

/** What one tarball may unpack to. */
const largest = 1024 ** 3;

/** One file of a tarball, by its path below the package. */
export interface PackedFile {
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number;
}

/**
 * The files that installing a tarball makes, the first part of their names cut off as npm does, wherever it is called
 * `package` or not. A `.gitignore` also comes as `.npmignore`: npm renames it where there is no other (pacote).
 * Links are none of them: npm leaves those out. Throws where it is no tarball.
 */
export async function* unpackTarball(bytes: Buffer, what: string): AsyncGenerator<PackedFile> {
  const tar = decompress(bytes, compressionOf(bytes), largest, what);
  const ignores = new Set<string>();
  for await (const { path: name, content, mode } of readTarFiles(tar)) {
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    const path = parts.slice(1).join('/');
    if (!isSafeAbsolute(`/${parts.join('/')}`) || name.startsWith('/')) throw refused(what, name);
    if (path === '') continue;
    if (/(?:^|\/)\.npmignore$/.test(path)) ignores.add(path);
    yield { path, content, mode };
    const renamed = /(?:^|\/)\.gitignore$/.test(path) ? path.replace(/\.gitignore$/, '.npmignore') : undefined;
    if (renamed !== undefined && !ignores.has(renamed)) yield { path: renamed, content, mode };
  }
}

/** A tarball of the store. What `wanted` asked for is there by now, else the flow has stopped. */
export async function readTarball({ name, version, sha256 }: NpmPackage, store: Store): Promise<Buffer> {
  const file = await store.find(sha256 ?? '');
  if (file === undefined) throw new UserError(`the tarball of ${name} ${version} is not in the store`);
  return await readFile(file);
}
