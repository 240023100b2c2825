import type { ContentRef, PackageId, VolatilePath } from '../../../model/index.ts';
import type { Observed, Root } from '../../../contract/index.ts';
import { parseWish } from '../names.ts';
import { packageKey, type AptLock, type AptSpec } from '../spec.ts';
import { readDatabase } from './database.ts';

/** The packages of a spec; with a lock, all that it has, those that the spec lists being marked. */
export function packages(spec: AptSpec, lock?: AptLock): readonly PackageId[] {
  const wishes = (spec.packages ?? []).flatMap((text) => parseWish(text) ?? []);
  if (lock === undefined) {
    return wishes.map(({ name, architecture, relation, version }) => ({
      key: architecture === undefined ? name : packageKey({ name, architecture }),
      version: version === undefined ? '' : `${relation === '=' ? '' : (relation ?? '')}${version}`,
      name,
      listed: true,
    }));
  }
  const native = lock.architectures?.[0] ?? spec.architecture;
  return lock.packages.map((one) => ({
    key: packageKey(one),
    version: one.version,
    name: displayName(one, native),
    listed: wishes.some(
      ({ name, architecture }) =>
        name === one.name && (architecture === undefined || architecture === one.architecture),
    ),
  }));
}

/** What is installed in a root. */
export async function observe(root: Root): Promise<Observed> {
  const database = await readDatabase(root);
  const native = database.architectures[0];
  return {
    packages: database.packages.map((one) => ({
      key: one.key,
      version: one.version,
      name: displayName(one, native),
    })),
  };
}

/** What a bundle must carry, and what an archive has. */
export function contents(lock: AptLock): {
  readonly kept: readonly ContentRef[];
  readonly archived: readonly ContentRef[];
} {
  const ref = ({ sha256, size }: ContentRef): ContentRef => ({ sha256, size });
  const isKept = ({ from }: { from?: string }) => from === undefined;
  const changed = (lock.changed ?? []).flatMap(({ sha256, size }) =>
    sha256 === undefined ? [] : [{ sha256, size: size ?? 0 }],
  );
  return {
    kept: [...lock.packages.filter(isKept).map(ref), ...changed, ...Object.values(lock.keys ?? {}).map(ref)],
    archived: lock.packages.filter((one) => !isKept(one)).map(ref),
  };
}

/** Paths that depend on the way in which a root was laid, beyond those of every root. */
export const volatile: readonly VolatilePath[] = [
  { pattern: '/var/lib/dpkg/*-old', because: "dpkg's database before the last change" },
  { pattern: '/var/lib/dpkg/lock', because: 'there once dpkg has run' },
  { pattern: '/var/lib/dpkg/lock-frontend', because: 'there once dpkg has run' },
  { pattern: '/var/lib/dpkg/triggers/Lock', because: 'there once dpkg has run' },
  { pattern: '/var/lib/dpkg/available', because: 'there once dselect has run' },
  { pattern: '/var/lib/apt/lists/**', because: "apt's lists as they were fetched or generated" },
  { pattern: '/var/cache/apt/**', because: "apt's caches" },
  {
    pattern: '/var/cache/debconf/**',
    because: "debconf's databases: order and backups depend on the order of configuration",
  },
  { pattern: '/etc/shells', because: 'its lines stand in the order in which shells were configured' },
  { pattern: '/var/cache/man/**', because: "man-db's index has times in it" },
  { pattern: '/etc/passwd-', because: 'the accounts before the last change' },
  { pattern: '/etc/group-', because: 'the accounts before the last change' },
  { pattern: '/etc/shadow-', because: 'the accounts before the last change' },
  { pattern: '/etc/gshadow-', because: 'the accounts before the last change' },
  { pattern: '/etc/subuid-', because: 'the accounts before the last change' },
  { pattern: '/etc/subgid-', because: 'the accounts before the last change' },
];

function displayName(of: { readonly name: string; readonly architecture: string }, native: string | undefined): string {
  return of.architecture === native || of.architecture === 'all' ? of.name : packageKey(of);
}
