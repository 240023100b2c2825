import { posix } from 'node:path';

import {
  byBytes,
  distributionId,
  UserError,
  volatileMatcher,
  volatilePaths,
  type Differences,
  type Note,
  type Spec,
} from '../../model/index.ts';
import type { Root, Session } from '../../contract/index.ts';
import { bindLock } from '../../formats/spec/lock.ts';
import { readSpec } from '../../formats/spec/read.ts';
import { writeSpec } from '../../formats/spec/write.ts';
import type { RootfsValue } from '../../inventory/inventory.ts';
import { localRoot } from '../../roots/local.ts';
import { readManifest } from '../../roots/manifest.ts';
import { findMapping } from '../../sessions/mapped.ts';
import { ownersInside } from '../../sessions/owners.ts';
import { attach, type Attached, type InstanceRootfs } from '../attach.ts';
import { keepTouched, readTouched, type Touched } from '../change/touched.ts';
import { commitFiles } from '../commit/files.ts';
import { lookForChanges, type Changes } from '../commit/look.ts';
import { redescribe } from '../commit/redescribe.ts';
import { enteredAs } from '../create.ts';
import { diff } from '../diff.ts';
import { volatileOf } from '../fingerprint.ts';
import { contextOf, traceContextOf, type House } from '../house.ts';
import { loadStored } from '../load.ts';
import { partsOf } from '../plan.ts';
import { buildImage } from './build.ts';
import { importImage } from './import.ts';
import { changeImage } from './tag.ts';

/** What was done by hand in an instance, as the spec that it comes to. */
export interface Commit {
  readonly name: string;
  /** The sha256 of the spec that it has. */
  readonly of: string;
  readonly from: Spec;
  readonly to: Spec;
  readonly differences: Differences;
  /** Paths that are not as the instance was made. */
  readonly paths: { readonly added: number; readonly changed: number; readonly removed: number };
  readonly touched: Touched;
  readonly notes: readonly Note[];
}

/** Something that is not in the image as it is in the instance. */
export interface Left {
  readonly path: string;
  readonly kind: 'missing' | 'changed' | 'unknown';
}

export interface Committed {
  readonly image: RootfsValue;
  readonly spec: Spec;
  /** How many paths were compared. */
  readonly compared: number;
  readonly left: readonly Left[];
}

export interface CommitOptions {
  /** Private files that are kept all the same. */
  readonly include: readonly string[];
  /** Nothing is stored: it is only looked. */
  readonly dry: boolean;
}

/** Finds out what was done in an instance since it was made, by looking: nothing of it is changed. */
export async function planCommit(name: string, options: CommitOptions, house: House): Promise<Commit> {
  const { instance, record, rootfs } = await attach(name, house);
  if (record.adopted !== undefined) {
    throw new UserError(`${name} was not made by repronim: there is nothing to compare it with`, {
      status: 2,
      hint: `repronim trace --in ${name} --system -o FILE describes it; commit --opaque takes its tree as it is`,
    });
  }
  const origin = originOf(name, rootfs);
  const from = await loadStored(name, record.spec, house);
  await using session = await instance.session();
  const changes = await changesIn(session, origin, from, rootfs, house);
  const context = traceContextOf(house, { scope: 'all', keep: !options.dry, whole: [] });
  const told = await redescribe(from, { origin, now: session.root, changes }, house.distributions, context);
  const files = await commitFiles(from, changes, told.owned, {
    now: session.root,
    store: house.store,
    include: options.include,
    keep: !options.dry,
    gitDirs: told.entries.flatMap((entry) => {
      const { path } = entry as { readonly path?: unknown };
      return typeof path === 'string' ? [posix.join(path, '.git')] : [];
    }),
  });
  const to = checked(specOf(from, told, files), name, house);
  const differences = await diff(
    { label: 'now', spec: from },
    { label: 'then', spec: to },
    { distributions: house.distributions, context: contextOf(house) },
  );
  return {
    name,
    of: record.spec ?? '',
    from,
    to,
    differences,
    paths: {
      added: changes.added.length,
      changed: changes.changed.length,
      removed: changes.removed.length,
    },
    touched: touchedOf(changes),
    notes: [...told.notes, ...files.notes],
  };
}

/** Builds the image of what was found, and compares it with the instance, path by path. */
export async function buildCommit(
  commit: Commit,
  options: { readonly tags: readonly string[]; readonly trusted: boolean },
  house: House,
): Promise<Committed> {
  const source = await house.store.add(Buffer.from(writeSpec(commit.to, house)));
  const { image } = await buildImage(commit.to, source, options.tags, options.trusted, house);
  const { instance, rootfs } = await attach(commit.name, house);
  await using session = await instance.session();
  const { after, added, changed, removed } = await changesIn(
    session,
    originOf(commit.name, image),
    commit.to,
    { ...image, ...(rootfs?.manifest === undefined ? {} : { manifest: rootfs.manifest }) },
    house,
  );
  const left: Left[] = [
    ...added.map((path) => ({ path, kind: 'missing' as const })),
    ...changed.map((path) => ({ path, kind: 'changed' as const })),
    ...removed.map((path) => ({ path, kind: 'unknown' as const })),
  ];
  return {
    image,
    spec: commit.to,
    compared: after.size + removed.length,
    left: left.toSorted((a, b) => byBytes(a.path, b.path)),
  };
}

/** From now on, the instance is one of the new spec. */
export async function adoptCommit(commit: Commit, house: House): Promise<void> {
  await using claim = await house.inventory.instances.claim(commit.name);
  const { status, value } = claim.held;
  if (status !== 'made' || value === undefined || value.spec !== commit.of) {
    throw new UserError(`${commit.name} was changed by another repronim meanwhile`, { hint: 'do it again' });
  }
  const source = await house.store.add(Buffer.from(writeSpec(commit.to, house)));
  const contents = partsOf(commit.to, house.distributions).flatMap(({ plugin, spec, lock }) => {
    const { kept, archived } = plugin.contents(spec, lock);
    return [...kept, ...archived].map(({ sha256 }) => sha256);
  });
  await claim.commit({
    ...value,
    spec: source.sha256,
    entered: enteredAs(commit.to, house.distributions),
    changed: {
      paths: await keepTouched(commit.touched, value.changed?.paths, house.store),
      contents: [...new Set([...(value.changed?.contents ?? []), ...contents])].sort(byBytes),
    },
  });
}

/** The tree itself as an image: nothing is known of it but that it was this instance's. */
export async function commitOpaque(name: string, tags: readonly string[], house: House): Promise<RootfsValue> {
  await attach(name, house);
  const { digest } = await importImage(name, { tags, opaque: true }, house);
  return await changeImage(digest, house, (value) => ({ ...value, from: name, opaque: true }));
}

function originOf(name: string, rootfs: Attached['rootfs'] | RootfsValue): Root {
  if (rootfs !== undefined) return ownersInside(localRoot(rootfs.directory, 'rootfs'), findMapping());
  throw new UserError(`the tree that ${name} was made from is not there any more: what was done cannot be told`, {
    hint: `repronim image commit --opaque ${name} takes its tree as it is`,
  });
}

async function changesIn(
  session: Session,
  origin: Root,
  spec: Spec,
  rootfs: Pick<InstanceRootfs, 'manifest' | 'changed'> | undefined,
  house: House,
): Promise<Changes> {
  const touched = rootfs?.changed === undefined ? undefined : await readTouched(rootfs.changed.paths, house.store);
  return await lookForChanges(origin, session.root, {
    volatile: volatileMatcher([...volatilePaths, ...volatileOf(spec, house.distributions)]),
    manifest: rootfs?.manifest === undefined ? undefined : await readManifest(rootfs.manifest),
    ...(touched === undefined ? {} : { touched }),
    signal: house.signal,
  });
}

function touchedOf({ added, changed, removed, after }: Changes): Touched {
  return new Map([...added, ...changed, ...removed].map((path) => [path, after.get(path)]));
}

function specOf(
  from: Spec,
  told: Awaited<ReturnType<typeof redescribe>>,
  { files, runs }: Awaited<ReturnType<typeof commitFiles>>,
): Spec {
  const ids = new Set(told.entries.map(distributionId));
  const held = Object.entries(from.lock?.distributions ?? {}).filter(([id]) => ids.has(id));
  const { files: _, ...lock } = from.lock ?? {};
  const { files: __, ...rest } = from;
  const names = files.filter(({ directory }) => directory !== true).map(({ path }) => path);
  return bindLock(
    {
      ...rest,
      distributions: told.entries,
      ...(names.length === 0 ? {} : { files: names }),
      lock: {
        ...lock,
        distributions: Object.fromEntries(held),
        ...(files.length === 0 ? {} : { files }),
      },
    },
    { distributions: told.locks, runs },
  );
}

/** As strictly looked at as one that was written by hand. */
function checked(spec: Spec, name: string, house: House): Spec {
  return readSpec(writeSpec(spec, house), { file: `${name}'s spec`, distributions: house.distributions }).spec;
}
