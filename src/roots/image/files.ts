import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';

import { RootError } from '../../contract/index.ts';
import { encodeName } from '../names.ts';
import { localRoot } from '../local.ts';
import type { Extent } from '../tar-tree.ts';
import type { TarRoot } from '../tar-view.ts';

/** The files that an image is kept in: an archive's members, or a folder. Links lead nowhere out of it. */
export interface ImageFiles extends Disposable {
  /** Undefined where it is not there, is no file, or is larger. */
  read(path: string, limit: number): Promise<Buffer | undefined>;
  /** Stays open until this is disposed of. */
  open(path: string): Promise<(Extent & { readonly size: number }) | undefined>;
}

/** Those of an archive; the archive's root goes with it. */
export function archiveFiles(archive: TarRoot): ImageFiles {
  return {
    read: (path, limit) => archive.readFile(path, limit).catch(undefinedWhereNone),
    open: async (path) => archive.extent(path),
    [Symbol.dispose]() {
      void archive[Symbol.asyncDispose]();
    },
  };
}

export function folderFiles(directory: string): ImageFiles {
  const root = localRoot(directory);
  const opened: number[] = [];
  return {
    read: (path, limit) => root.readFile(path, limit).catch(undefinedWhereNone),
    async open(path) {
      const [real] = await root.realpath([path]);
      if (real === undefined) return undefined;
      const file = encodeName(join(directory, real));
      const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      opened.push(descriptor);
      const stat = fstatSync(descriptor);
      return stat.isFile() ? { descriptor, at: 0, size: stat.size } : undefined;
    },
    [Symbol.dispose]() {
      for (const descriptor of opened.splice(0)) closeSync(descriptor);
    },
  };
}

function undefinedWhereNone(error: unknown): undefined {
  if (!(error instanceof RootError)) throw error;
}
