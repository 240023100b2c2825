import { posix } from 'node:path';

import { byBytes } from '../../model/index.ts';
import type { Root } from '../../contract/index.ts';
import { normalizeName, parseMetadata } from '../../toolkits/python/metadata.ts';
import { parseRecord } from '../../toolkits/python/record.ts';
import { isBelow, type CondaRecord } from './record.ts';

/** A distribution that pip (or uv) put into a conda prefix. */
export interface PipPackage {
  /** `pip:` and the normalised name. */
  readonly key: string;
  readonly name: string;
  readonly version: string;
  /** Below the prefix. */
  readonly paths: readonly string[];
  /** Whether a person asked for it (PEP 376). */
  readonly requested: boolean;
  /** Below the prefix: its `RECORD`. */
  readonly list: string;
}

const largestList = 64 * 1024 * 1024;

/**
 * The `*.dist-info` in a prefix's site-packages that no conda package has. A `direct_url.json` of a package of conda's
 * names a folder of the machine that built it, and is not looked at.
 */
export async function readPipPackages(
  root: Root,
  top: string,
  records: readonly CondaRecord[],
  isOwned: (path: string) => boolean,
): Promise<readonly PipPackage[]> {
  const found: PipPackage[] = [];
  for (const site of await sitesOf(root, top, records)) {
    const listed = await root.readdir(posix.join(top, site)).catch(() => []);
    for (const { name, type } of listed) {
      if (type !== 'directory' || !name.endsWith('.dist-info')) continue;
      const folder = `${site}/${name}`;
      if (isOwned(`${folder}/METADATA`) || isOwned(`${folder}/RECORD`)) continue;
      const read = async (file: string) =>
        await root.readFile(posix.join(top, folder, file), largestList).catch(() => undefined);
      const metadata = parseMetadata((await read('METADATA')) ?? Buffer.alloc(0));
      if (metadata === undefined) continue;
      const list = parseRecord((await read('RECORD')) ?? Buffer.alloc(0))
        .filter(({ path }) => !path.startsWith('/'))
        .map(({ path }) => posix.join(site, path))
        .filter(isBelow);
      const [requested] = await root.lstat([posix.join(top, folder, 'REQUESTED')]);
      found.push({
        key: `pip:${normalizeName(metadata.name)}`,
        name: metadata.name,
        version: metadata.version,
        paths: list,
        requested: requested !== undefined,
        list: `${folder}/RECORD`,
      });
    }
  }
  const unique = new Map(found.map((one) => [one.key, one]));
  return [...unique.values()].sort((a, b) => byBytes(a.key, b.key));
}

/** Where the Python of a prefix has packages, below the prefix: its own word, else what lies there. */
async function sitesOf(root: Root, top: string, records: readonly CondaRecord[]): Promise<readonly string[]> {
  const python = records.find(({ name }) => name === 'python');
  if (python !== undefined) return [sitePackagesOf(python)];
  const listed = await root.readdir(posix.join(top, 'lib')).catch(() => []);
  return listed
    .map(({ name }) => name)
    .filter((name) => /^python\d+\.\d+t?$/.test(name))
    .sort(byBytes)
    .map((name) => `lib/${name}/site-packages`);
}

/** Where a Python of conda's keeps packages, below the prefix. */
export function sitePackagesOf(python: { readonly version: string; readonly sitePackages?: string }): string {
  return python.sitePackages ?? `lib/python${shortVersion(python.version)}/site-packages`;
}

/** `3.11.7` as Python's folders and programs have it: `3.11`. */
export function shortVersion(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}
