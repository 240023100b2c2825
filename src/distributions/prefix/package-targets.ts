import { posix } from 'node:path';

import { byBytes } from '../../model/index.ts';
import type { Root } from '../../contract/index.ts';

/** How many folders above a file are looked into: packages in packages are rarely deeper. */
const highest = 8;

/**
 * Which of these paths lie in a folder that `pip install --target` filled: Python's code below a folder with
 * `*.dist-info` in it. By path, the folder. Each folder is read once.
 */
export async function packageTargets(paths: readonly string[], root: Root): Promise<ReadonlyMap<string, string>> {
  const known = new Map<string, Promise<boolean>>();
  const isTarget = async (folder: string): Promise<boolean> => {
    let answer = known.get(folder);
    if (answer === undefined) known.set(folder, (answer = hasPackages(folder, root)));
    return await answer;
  };
  const found = new Map<string, string>();
  for (const path of paths) {
    if (!/\.(?:py|pyc|so|pyd)$|\.so\.[\d.]+$|\.dist-info\/[^/]+$/.test(path)) continue;
    let folder = posix.dirname(path);
    for (let steps = 0; steps < highest && folder.split('/').length > 2; steps += 1) {
      if (isShared(folder)) break;
      if (await isTarget(folder)) {
        found.set(path, folder);
        break;
      }
      folder = posix.dirname(folder);
    }
  }
  return found;
}

/** Names and versions of the packages in such a folder, by its `*.dist-info`. */
export async function packagesIn(folder: string, root: Root): Promise<ReadonlyMap<string, string>> {
  const listed = await root.readdir(folder).catch(() => []);
  const found = listed.flatMap(({ name }): [string, string][] => {
    const [, own, version] = /^([A-Za-z0-9][\w.]{0,100})-([\w.!+]{1,60})\.dist-info$/.exec(name) ?? [];
    return own === undefined || version === undefined ? [] : [[own, version]];
  });
  return new Map(found.sort(([a], [b]) => byBytes(a, b)));
}

async function hasPackages(folder: string, root: Root): Promise<boolean> {
  return (await packagesIn(folder, root)).size > 0;
}

/** The system's own, and homes: never one tree. */
function isShared(folder: string): boolean {
  return /^\/(?:usr|bin|lib\w*|etc|var|proc|sys|dev|run)(?:\/|$)|^\/(?:home\/[^/]+|root)$/.test(folder);
}
