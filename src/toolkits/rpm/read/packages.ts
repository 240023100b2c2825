import type { ContentRef, PackageId, VolatilePath } from '../../../model/index.ts';
import type { Observed, Root } from '../../../contract/index.ts';
import { parseWish } from '../names.ts';
import { lockedKeys, type RpmLock, type RpmSpec } from '../spec.ts';
import { readDatabase } from './database.ts';
import { calledIn, mainArchitecture } from './package.ts';

/** The packages of a spec; with a lock, all that it has, those that the spec lists being marked. */
export function packages(spec: RpmSpec, lock?: RpmLock): readonly PackageId[] {
  const wishes = (spec.packages ?? []).flatMap((text) => parseWish(text) ?? []);
  if (lock === undefined) {
    return wishes.map(({ name, architecture, relation, version }) => ({
      key: architecture === undefined ? name : `${name}.${architecture}`,
      version: version === undefined ? '' : `${relation === '=' ? '' : (relation ?? '')}${version}`,
      name,
      listed: true,
    }));
  }
  const keys = lockedKeys(lock.packages);
  const native = spec.architecture ?? mainArchitecture(lock.packages);
  return lock.packages.map(({ name, version, architecture }, index) => ({
    key: keys[index] ?? name,
    version,
    name: calledIn({ name, architecture }, native),
    listed: wishes.some((wish) => wish.name === name && (wish.architecture ?? architecture) === architecture),
  }));
}

/** What is installed in a root. */
export async function observe(root: Root): Promise<Observed> {
  const { packages: all } = await readDatabase(root);
  const native = mainArchitecture(all);
  return { packages: all.map((one) => ({ key: one.key, version: one.version, name: calledIn(one, native) })) };
}

/** What a bundle must carry, and what a repository has. */
export function contents(lock: RpmLock): {
  readonly kept: readonly ContentRef[];
  readonly archived: readonly ContentRef[];
} {
  const ref = ({ sha256, size }: ContentRef): ContentRef => ({ sha256, size });
  const isKept = ({ path }: { path?: string }) => path === undefined;
  const changed = (lock.changed ?? []).flatMap(({ sha256, size }) =>
    sha256 === undefined ? [] : [{ sha256, size: size ?? 0 }],
  );
  return {
    kept: [...lock.packages.filter(isKept).map(ref), ...changed, ...Object.values(lock.keys ?? {}).map(ref)],
    archived: lock.packages.filter((one) => !isKept(one)).map(ref),
  };
}

const database = "rpm's database has the time and the order of installation in it";
const caches = 'what dnf and yum remember and have fetched';
const accounts = 'the accounts before the last change';

/** Paths that depend on the way in which a root was laid, beyond those of every root. */
export const volatile: readonly VolatilePath[] = [
  { pattern: '/var/lib/rpm/**', because: database },
  { pattern: '/usr/lib/sysimage/rpm/**', because: database },
  { pattern: '/var/lib/dnf/**', because: caches },
  { pattern: '/usr/lib/sysimage/libdnf5/**', because: caches },
  { pattern: '/var/lib/yum/**', because: caches },
  { pattern: '/var/cache/**', because: caches },
  { pattern: '/etc/passwd-', because: accounts },
  { pattern: '/etc/group-', because: accounts },
  { pattern: '/etc/shadow-', because: accounts },
  { pattern: '/etc/gshadow-', because: accounts },
  { pattern: '/etc/subuid-', because: accounts },
  { pattern: '/etc/subgid-', because: accounts },
];
