import {
  ancestors,
  byBytes,
  distributionId,
  isWithin,
  type DistributionLock,
  type DistributionSpec,
  type FileLock,
  type Spec,
} from '../../model/index.ts';
import type { AnyDistribution, Context, Owner, Root } from '../../contract/index.ts';
import { bindLock } from '../../formats/spec/lock.ts';
import { factsOf } from '../files/lock.ts';
import { isSystemFolder } from '../files/rules.ts';
import { carryOver } from '../commit/three-way.ts';
import { withoutGoneWishes } from '../commit/wishes.ts';

/**
 * A spec with no more than what was used of it. `all` is the whole root as it is described, `used` what was watched:
 * what the two have in common stays as the spec has it. What the user's own steps made and was used is a loose file now.
 */
export function narrow(spec: Spec, all: Spec, used: Spec, distributions: readonly AnyDistribution[]): Spec {
  const entries: DistributionSpec[] = [];
  const locks: Record<string, DistributionLock> = {};
  for (const fresh of used.distributions) {
    const held = spec.distributions.find((entry) => isSame(entry, fresh));
    const whole = all.distributions.find((entry) => isSame(entry, fresh));
    const id = distributionId(held ?? fresh);
    const [old, before, after] = [held, whole, fresh].map((entry, index) => lockOf([spec, all, used][index], entry));
    const entry =
      held === undefined ? fresh : (carryOver(held, bare(whole), { ...held, ...bare(fresh) }) as DistributionSpec);
    const lock =
      old === undefined ? after : { ...(carryOver(less(old), less(before), less(after)) as object), of: old.of };
    const plugin = distributions.find(({ type }) => type === entry.type);
    entries.push(withoutGoneWishes(entry, old, lock, plugin));
    if (lock !== undefined) locks[id] = lock;
  }
  const { distributions: _, ...lock } = used.lock ?? {};
  const host = spec.lock?.host;
  return bindLock(
    { ...used, distributions: entries, lock: { ...lock, distributions: {}, ...(host === undefined ? {} : { host }) } },
    { distributions: locks },
  );
}

/** The spec with those of these folders that none of its packages would bring. */
export async function withFolders(
  spec: Spec,
  asked: ReadonlySet<string>,
  root: Root,
  distributions: readonly AnyDistribution[],
  context: Context,
): Promise<Spec> {
  const known = new Set((spec.lock?.files ?? []).map(({ path }) => path));
  const paths = [...asked].filter((path) => isSystemFolder(path) && !known.has(path)).toSorted(byBytes);
  const stats = await root.lstat(paths);
  const folders = paths.filter((_, index) => stats[index]?.type === 'directory');
  const brought = new Set<string>();
  for (const entry of spec.distributions) {
    const plugin = distributions.find(({ type }) => type === entry.type);
    const keys = new Set(plugin?.packages(entry, lockOf(spec, entry)).map(({ key }) => key));
    for (const [path, owners] of (await plugin?.claim(folders, root, context)) ?? []) {
      if (owners.some(({ key }) => keys.has(key))) for (const folder of [path, ...ancestors(path)]) brought.add(folder);
    }
  }
  const files = paths.flatMap((path, index): FileLock[] => {
    const stat = stats[index];
    if (stat?.type !== 'directory' || brought.has(path)) return [];
    return [{ ...factsOf(path, stat), directory: true }];
  });
  if (files.length === 0) return spec;
  const all = [...(spec.lock?.files ?? []), ...files].toSorted((a, b) => byBytes(a.path, b.path));
  return { ...spec, lock: { ...spec.lock, files: all } };
}

/** The spec without packages of its environments that nothing used, where that can be told. */
export async function withoutUnusedPackages(
  spec: Spec,
  used: ReadonlySet<string>,
  root: Root,
  distributions: readonly AnyDistribution[],
  context: Context,
): Promise<Spec> {
  const entries: DistributionSpec[] = [];
  const locks: Record<string, DistributionLock> = {};
  const tops: string[] = [];
  for (const entry of spec.distributions) {
    const lock = lockOf(spec, entry);
    const plugin = distributions.find(({ type }) => type === entry.type);
    const less = lock === undefined ? undefined : await plugin?.narrow?.({ spec: entry, lock }, used, root, context);
    entries.push((less?.spec as DistributionSpec | undefined) ?? entry);
    if (less === undefined) continue;
    locks[distributionId(entry)] = less.lock as DistributionLock;
    const { path } = entry as { readonly path?: unknown };
    if (typeof path === 'string') tops.push(path);
  }
  // its folders are the environment's own: those of packages that go are no loose ones
  const isOwn = ({ path, directory }: FileLock) => directory === true && tops.some((top) => isWithin(path, top));
  const files = spec.lock?.files?.filter((file) => !isOwn(file));
  const lock = files === undefined ? spec.lock : { ...spec.lock, files };
  const whole = lock === undefined ? spec : { ...spec, lock };
  return bindLock({ ...whole, distributions: entries }, { distributions: locks });
}

/** Where people keep no work of theirs, and nothing is looked for by its name alone. */
const places = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/opt'];

/** The spec without those files of its packages that nothing used; what is taken whole stays whole. */
export async function withoutUnused(
  spec: Spec,
  used: ReadonlySet<string>,
  root: Root,
  distributions: readonly AnyDistribution[],
  context: Context,
): Promise<{ readonly spec: Spec; readonly omitted: number; readonly whole: readonly string[] }> {
  const unused: string[] = [];
  const below = places.filter((path) => path === '/usr' || path === '/opt');
  const real = await root.realpath(places);
  const folders = [...new Set([...below, ...real.flatMap((path) => path ?? [])])];
  const tops = folders.filter((path) => !folders.some((other) => other !== path && isWithin(path, other)));
  for await (const entry of root.scan({ below: tops, digests: [], signal: context.signal })) {
    if ((entry.type === 'file' || entry.type === 'link') && !used.has(entry.path)) unused.push(entry.path);
  }
  const locks: Record<string, DistributionLock> = {};
  const whole: string[] = [];
  let omitted = 0;
  for (const entry of spec.distributions) {
    const id = distributionId(entry);
    const plugin = distributions.find(({ type }) => type === entry.type);
    const lock = spec.lock?.distributions?.[id];
    if (plugin?.omit === undefined || lock === undefined) {
      whole.push(id);
      continue;
    }
    const owned = new Map<string, readonly Owner[]>();
    const keys = new Set(plugin.packages(entry, lock).map(({ key }) => key));
    for (const [path, owners] of await plugin.claim(unused, root, context)) {
      const ours = owners.filter(({ key }) => keys.has(key));
      if (ours.length > 0 && owners.every(({ explained }) => explained === undefined)) owned.set(path, ours);
    }
    omitted += owned.size;
    locks[id] = plugin.omit(lock, owned) as DistributionLock;
  }
  return { spec: bindLock(spec, { distributions: locks }), omitted, whole };
}

function isSame(one: DistributionSpec, other: DistributionSpec): boolean {
  const pathOf = (entry: DistributionSpec) => (entry as { readonly path?: unknown }).path;
  return one.type === other.type && pathOf(one) === pathOf(other);
}

function lockOf(spec: Spec | undefined, entry: DistributionSpec | undefined): DistributionLock | undefined {
  return entry === undefined ? undefined : spec?.lock?.distributions?.[distributionId(entry)];
}

function bare(entry: DistributionSpec | undefined): object | undefined {
  if (entry === undefined) return undefined;
  const { id: _, base: __, ...fields } = entry;
  return fields;
}

function less(lock: DistributionLock | undefined): object | undefined {
  if (lock === undefined) return undefined;
  const { of: _, ...rest } = lock;
  return rest;
}
