import { homedir } from 'node:os';
import { join } from 'node:path';

import type { Context, Source, Wanted } from '../../contract/index.ts';
import { artifactAddress, isFetchable } from './address.ts';
import { readClientConfig } from './condarc.ts';
import type { CondaLock, CondaPackage, CondaSpec } from './spec.ts';

/**
 * Artifacts by sha256: from a cache of conda's or another client's on this machine, a mirror of the channel that the
 * configuration names (`[conda.mirrors]`), the recorded address. What was kept is in the store or in a bundle only.
 */
export async function wanted(spec: CondaSpec, lock: CondaLock, context: Context): Promise<readonly Wanted[]> {
  const client = await readClientConfig(context);
  const caches = cachesOf(client.caches);
  return [
    ...lock.packages.flatMap((one): Wanted[] => {
      const { name, version, sha256, size, repacked } = one;
      if (sha256 === undefined || size === undefined || repacked === true) return [];
      return [{ what: `${name} ${version}`, sha256, size, sources: () => sourcesOf(one, caches, client.mirrors) }];
    }),
    ...[lock.tree, lock.rest].flatMap((content): Wanted[] =>
      content === undefined
        ? []
        : [{ ...content, what: `files of the conda prefix ${spec.path}`, async *sources() {} }],
    ),
  ];
}

async function* sourcesOf(
  { channel, subdir, file }: CondaPackage,
  caches: readonly string[],
  mirrors: ReadonlyMap<string, string>,
): AsyncGenerator<Source> {
  if (file === undefined) return;
  for (const cache of caches) yield { kind: "conda's cache", label: cache, file: join(cache, file) };
  if (channel === undefined || subdir === undefined) return;
  const mirror = mirrors.get(channel) ?? mirrors.get(channel.slice(channel.lastIndexOf('/') + 1));
  for (const [kind, address] of [
    ['mirror', mirror],
    ['channel', channel],
  ] as const) {
    if (address === undefined || !isFetchable(address)) continue;
    const url = artifactAddress(address, subdir, file);
    yield { kind, label: url, url };
  }
}

/** Where clients of conda keep what they fetched, as whole artifacts. */
function cachesOf(configured: readonly string[]): readonly string[] {
  const home = homedir();
  const bases = ['miniconda3', 'anaconda3', 'miniforge3', 'mambaforge', 'micromamba', '.conda', '.mamba'];
  return [
    ...new Set([
      ...configured,
      ...bases.map((base) => join(home, base, 'pkgs')),
      ...['/opt/conda', '/opt/miniconda3', '/opt/miniforge3'].map((base) => join(base, 'pkgs')),
    ]),
  ];
}
