import { posix } from 'node:path';

import type { Root } from '../../contract/index.ts';

/** Parts of the standard library that programs do not run on, and what is made again. */
const leftOut = /\/(?:test|tests|idlelib|turtledemo|__pycache__|config-[^/]*)(?:\/|$)/;

/**
 * The standard library of the Python at `top`, for an environment that stands on it and of which no run tells what it
 * uses: without its tests, and without what was installed into it.
 */
export async function standardLibrary(top: string, root: Root): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ['lib', 'lib64']) {
    const names = await root.readdir(posix.join(top, folder)).catch(() => []);
    for (const { name, type } of names) {
      if (/^libpython\d.*\.so/.test(name)) found.push(posix.join(top, folder, name));
      if (!/^python\d\.\d+t?$/.test(name) || type !== 'directory') continue;
      const library = posix.join(top, folder, name);
      const except = [posix.join(library, 'site-packages'), posix.join(library, 'dist-packages')];
      for await (const entry of root.scan({ below: [library], except, digests: [] })) {
        if (entry.type !== 'directory' && !leftOut.test(entry.path.slice(library.length))) found.push(entry.path);
      }
    }
  }
  return found;
}
