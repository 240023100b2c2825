import { createHash } from 'node:crypto';
import { posix } from 'node:path';

import type { Difference } from '../../model/index.ts';
import type { Root } from '../../contract/index.ts';
import { idOfObject, parseLoose } from './object-file.ts';

/**
 * Whether a repository's own objects are what their names say (as `git fsck` asks): every loose object by its id, every
 * pack and index by the checksum at its end.
 */
export async function checkObjects(
  root: Root,
  commonDir: string,
  algorithm: 'sha1' | 'sha256',
  owner: string,
): Promise<{ readonly checked: number; readonly differing: readonly Difference[] }> {
  const objects = posix.join(commonDir, 'objects');
  const differing: Difference[] = [];
  let checked = 0;
  const check = async (path: string, isRight: (bytes: Buffer) => boolean) => {
    checked += 1;
    const bytes = await root.readFile(path, 2 ** 31 - 1).catch(() => undefined);
    if (bytes === undefined) differing.push({ path, kind: 'unreadable', owner });
    else if (!isRight(bytes)) differing.push({ path, kind: 'changed', owner });
  };
  for (const { name } of await root.readdir(posix.join(objects, 'pack')).catch(() => [])) {
    if (!/^pack-[0-9a-f]+\.(?:pack|idx)$/.test(name)) continue;
    await check(posix.join(objects, 'pack', name), (bytes) => hasChecksum(bytes, algorithm));
  }
  for (const { name: folder } of await root.readdir(objects).catch(() => [])) {
    if (!/^[0-9a-f]{2}$/.test(folder)) continue;
    for (const { name } of await root.readdir(posix.join(objects, folder)).catch(() => [])) {
      if (!/^[0-9a-f]{38}(?:[0-9a-f]{24})?$/.test(name)) continue;
      await check(posix.join(objects, folder, name), (bytes) => {
        const object = parseLoose(bytes);
        return object !== undefined && idOfObject(algorithm, object.type, object.data) === folder + name;
      });
    }
  }
  return { checked, differing };
}

/** A pack and its index end with the checksum of what stands before. */
function hasChecksum(bytes: Buffer, algorithm: 'sha1' | 'sha256'): boolean {
  const length = algorithm === 'sha1' ? 20 : 32;
  if (bytes.length < length) return false;
  const end = bytes.length - length;
  return createHash(algorithm).update(bytes.subarray(0, end)).digest().equals(bytes.subarray(end));
}
