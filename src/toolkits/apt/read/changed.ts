import { byBytes, sha256 } from '../../../model/index.ts';
import type { Owner, Root, Stat, TraceContext } from '../../../contract/index.ts';
import { createHash } from 'node:crypto';
import { posix } from 'node:path';

import type { PackageChange } from '../../trees/package-changes.ts';
import type { Attribution } from './attribution.ts';
import type { DpkgPackage } from './database.ts';
import { readFolder } from './reader.ts';
import type { Sums } from './sums.ts';

interface Suspect {
  readonly path: string;
  readonly key: string;
  /** What the package says; absent where it is this machine's own. */
  readonly md5?: string;
  readonly conffile: boolean;
}

/**
 * The files of these packages that are not as the packages have them, with their content kept: configuration, what was
 * used, and whatever is younger than its package's installation. (Hashing a whole closure would cost more than the
 * rest of a trace; who forges times as well is found by `verify`.)
 */
export async function findChanged(
  root: Root,
  packages: readonly DpkgPackage[],
  owned: ReadonlyMap<string, readonly Owner[]>,
  attribution: Attribution,
  sums: ReadonlyMap<string, Sums>,
  context: TraceContext,
): Promise<readonly PackageChange[]> {
  const suspects = await findSuspects(root, packages, owned, attribution, sums);
  const changes: PackageChange[] = [];
  const stats = await root.lstat(suspects.map(({ path }) => path));
  for (const [index, suspect] of suspects.entries()) {
    context.signal.throwIfAborted();
    const change = await compare(root, suspect, stats[index], context);
    if (change !== undefined) changes.push(change);
  }
  return changes.sort((a, b) => byBytes(a.path, b.path));
}

async function findSuspects(
  root: Root,
  packages: readonly DpkgPackage[],
  owned: ReadonlyMap<string, readonly Owner[]>,
  attribution: Attribution,
  sums: ReadonlyMap<string, Sums>,
): Promise<Suspect[]> {
  const suspects = new Map<string, Suspect>();
  const installed = await installationTimes(root, packages);
  const listed: { path: string; key: string; md5: string }[] = [];
  for (const one of packages) {
    const { md5 } = sums.get(one.key) as Sums;
    const where = new Map(attribution.entriesOf(one.key).map((entry) => [entry.listed, entry.path]));
    for (const [name, sum] of md5) listed.push({ path: where.get(name) ?? name, key: one.key, md5: sum });
    for (const { path: name, md5: sum, obsolete } of one.conffiles) {
      const path = where.get(name) ?? name;
      if (!obsolete && sum !== 'newconffile') suspects.set(path, { path, key: one.key, md5: sum, conffile: true });
    }
  }
  const stats = await root.lstat(listed.map(({ path }) => path));
  for (const [index, { path, key, md5 }] of listed.entries()) {
    const stat = stats[index];
    const isYoung = stat !== undefined && stat.mtimeMs > (installed.get(key) ?? Number.POSITIVE_INFINITY) + 1000;
    if (stat?.type === 'file' && (isYoung || owned.has(path))) suspects.set(path, { path, key, md5, conffile: false });
  }
  for (const [path, owners] of owned) {
    const key = owners[0]?.key;
    if (key !== undefined && attribution.isKept(path)) suspects.set(path, { path, key, conffile: false });
  }
  return [...suspects.values()];
}

/** When dpkg wrote the package's list: after its last file. */
async function installationTimes(root: Root, packages: readonly DpkgPackage[]): Promise<ReadonlyMap<string, number>> {
  const stats = await root.lstat(packages.map(({ info }) => posix.join(info.folder, `${info.base}.list`)));
  const times = new Map<string, number>();
  for (const [index, { key }] of packages.entries()) {
    const time = stats[index]?.mtimeMs;
    if (time !== undefined) times.set(key, time);
  }
  return times;
}

async function compare(
  root: Root,
  { path, key, md5, conffile }: Suspect,
  stat: Stat | undefined,
  context: TraceContext,
): Promise<PackageChange | undefined> {
  const base = { path, package: key };
  // documentation and the like is left out of many images; configuration that is not there was taken away
  if (stat === undefined) return conffile ? { ...base, removed: true } : undefined;
  if (stat.type === 'link')
    return conffile || md5 === undefined ? { ...base, link: await root.readlink(path) } : undefined;
  if (stat.type !== 'file') return undefined;
  const [read] = await readFolder(root, posix.dirname(path), [posix.basename(path)]);
  const owner = { ...(stat.uid === 0 ? {} : { uid: stat.uid }), ...(stat.gid === 0 ? {} : { gid: stat.gid }) };
  const about = { ...base, mode: stat.mode.toString(8).padStart(4, '0'), ...owner };
  if (read === undefined || !('content' in read)) return { ...about, left: 'unreadable' };
  const { content } = read;
  if (md5 !== undefined && createHash('md5').update(content).digest('hex') === md5) return undefined;
  if ((stat.mode & 0o004) === 0) return { ...about, left: 'private' };
  const ref = context.keep ? await context.store.add(content) : { sha256: sha256(content), size: content.length };
  return { ...about, size: ref.size, sha256: ref.sha256 };
}
