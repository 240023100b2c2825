import { posix } from 'node:path';

import { snapshotSources } from '../../../archives/snapshot.ts';
import type { CreateContext, Source, Wanted } from '../../../contract/index.ts';
import { byBytes, sha256 } from '../../../model/index.ts';
import { readMachineKeys } from '../read/keyrings.ts';
import type { AptLock, AptOrigin, AptPackage, AptSpec } from '../spec.ts';
import { snapshots } from './archives.ts';
import { readMirrors, type Mirror } from './mirrors.ts';
import { foundAs, recognise } from './recognise.ts';

/**
 * What has to be in the store before the root can be laid, and where each package can be had: apt's own cache, this
 * machine's mirror of the same archive, the recorded address, a snapshot service. (The store and a bundle come first,
 * and are the caller's.) Keys and changed files are only in the store or in a bundle.
 */
export async function wanted(spec: AptSpec, lock: AptLock, context: CreateContext): Promise<readonly Wanted[]> {
  const mirrors = await readMirrors();
  await recognise(spec, lock, context);
  await takeOwnKeys(spec, lock, context);
  const packages = await Promise.all(
    lock.packages.map(async (one): Promise<Wanted> => {
      const { name, version } = one;
      const ref = await foundAs(one, context.store);
      const what = `${name} ${version}`;
      return { what, ...ref, sources: () => packageSources(one, lock, mirrors, context) };
    }),
  );
  const kept = [
    ...Object.entries(lock.keys ?? {}).map(([fingerprint, ref]) => ({ what: `key ${fingerprint}`, ...ref })),
    ...(lock.changed ?? []).flatMap(({ path, sha256, size, left }) =>
      left !== undefined || sha256 === undefined || size === undefined ? [] : [{ what: path, sha256, size }],
    ),
  ].map(({ what, sha256, size }): Wanted => ({ what, sha256, size, sources: nowhere }));
  return [...packages, ...kept];
}

/** Keys of archives are on most machines that use them: content of the recorded digest is the recorded key. */
async function takeOwnKeys({ type }: AptSpec, { keys = {} }: AptLock, context: CreateContext): Promise<void> {
  const machine = readMachineKeys(type, context);
  for (const [fingerprint, ref] of Object.entries(keys)) {
    if ((await context.store.find(ref.sha256)) !== undefined) continue;
    const found = await machine.named([fingerprint]);
    const same = found.find(({ bytes }) => sha256(bytes) === ref.sha256);
    if (same !== undefined) await context.store.add(same.bytes);
  }
}

async function* nowhere(): AsyncGenerator<Source, void, undefined> {}

async function* packageSources(
  one: AptPackage,
  lock: AptLock,
  mirrors: readonly Mirror[],
  context: CreateContext,
): AsyncGenerator<Source, void, undefined> {
  const { name, version, architecture, path, from } = one;
  const cached = `/var/cache/apt/archives/${name}_${version.replaceAll(':', '%3a')}_${architecture}.deb`;
  yield { kind: 'apt', label: "apt's cache", file: cached };
  const origin = from === undefined ? undefined : lock.origins?.[from];
  if (path !== undefined && origin !== undefined) {
    const addresses = new Map<string, string>();
    for (const uri of mirrorsOf(origin, mirrors)) addresses.set(address(uri, path), 'mirror');
    for (const uri of recorded(one, lock))
      if (!addresses.has(address(uri, path))) addresses.set(address(uri, path), 'pool');
    for (const [url, kind] of addresses) yield { kind, label: url, url };
  }
  const service = snapshots[origin?.origin ?? ''];
  if (service === undefined) return;
  // the service has what the archive had, which is not what was put together from installed files
  if (one.repacked === true) return;
  yield* snapshotSources(
    service,
    {
      name,
      version,
      architecture,
      ...(path === undefined ? {} : { path }),
      ...(origin?.date === undefined ? {} : { date: origin.date }),
    },
    context,
  );
}

/** Addresses from which this machine has the same archive: its Release files say so, or its last folder does. */
export function mirrorsOf(origin: AptOrigin, mirrors: readonly Mirror[]): string[] {
  const folder = posix.basename(URL.parse(origin.uri)?.pathname ?? '');
  const same = mirrors.filter((mirror) =>
    mirror.label === undefined
      ? folder !== '' && posix.basename(URL.parse(mirror.uri)?.pathname ?? '') === folder
      : mirror.label === origin.label && mirror.origin === origin.origin,
  );
  const byRelease = (mirror: Mirror) => (mirror.codename === origin.codename ? 0 : 1);
  return [
    ...new Set(same.toSorted((a, b) => byRelease(a) - byRelease(b) || byBytes(a.uri, b.uri)).map(({ uri }) => uri)),
  ];
}

function recorded({ from, also }: AptPackage, lock: AptLock): string[] {
  return [from ?? '', ...(also ?? [])].flatMap((key) => {
    const uri = lock.origins?.[key]?.uri;
    return uri === undefined ? [] : [uri];
  });
}

/** Pool paths may have characters that an address must not (`+` may; `~` and `:` too). */
function address(uri: string, path: string): string {
  return `${uri.replace(/\/+$/, '')}/${path.split('/').map(encodePart).join('/')}`;
}

function encodePart(part: string): string {
  return encodeURIComponent(part)
    .replaceAll('%3A', ':')
    .replaceAll('%2B', '+')
    .replaceAll('%3D', '=')
    .replaceAll('%40', '@')
    .replaceAll('%2C', ',');
}
