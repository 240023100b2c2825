import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { digestOf, type Plan, type Spec } from '../../model/index.ts';
import type { CreateContext, LaidRoot, Obtained, Rootfs } from '../../contract/index.ts';
import type { RootfsValue } from '../../inventory/inventory.ts';
import { appendManifest } from '../../roots/manifest.ts';
import { enclose } from '../../sessions/confined.ts';
import { copyMapped, removeMapped } from '../../sessions/mapped.ts';
import { explainFull } from '../full-disk.ts';
import { applySteps } from '../apply.ts';
import { createContextOf, withWork } from '../create-context.ts';
import type { House } from '../house.ts';
import { baseOf, installSteps, partsOf, planOf, stepsOf, type Part } from '../plan.ts';
import { customize, keepCustomized } from './customize.ts';
import { forgetMoment } from './forget-moment.ts';
import { obtainAll } from './obtain.ts';

/** Counts up whenever the same lock would be laid differently. */
const generation = 1;

/** A tree, and what verify has to know of it. */
export type BuiltRootfs = Rootfs & Pick<RootfsValue, 'customized' | 'base'>;

export interface Built {
  readonly rootfs: BuiltRootfs;
  readonly plan?: Plan;
  /** Absent where it was there already. */
  readonly obtained?: Obtained;
}

/** What a rootfs is known by: everything in the spec that decides its bytes. Hexadecimal. */
export function rootfsDigest(spec: Spec): string {
  const { distributions, files, runs } = spec.lock ?? {};
  return digestOf({
    generation,
    distributions,
    files,
    runs,
    ...(spec.customize === undefined ? {} : { customize: spec.customize }),
    entries: spec.distributions,
    directories: spec.runs,
  }).slice(7);
}

/**
 * The rootfs of an exact spec: the one that is there, or a new one. What an interrupted build left is taken away first.
 * `need` writes down who will stand on it, before it is looked for.
 */
export async function buildRootfs(
  spec: Spec,
  house: House,
  trusted: boolean,
  base?: RootfsValue,
  need?: (digest: string) => Promise<void>,
): Promise<Built> {
  const exact = rootfsDigest(spec);
  const digest = base === undefined ? exact : digestOf({ spec: exact, base: base.digest }).slice(7);
  await need?.(digest);
  const there = await usableRootfs(digest, house);
  if (there !== undefined) return { rootfs: there };
  const parts = partsOf(spec, house.distributions);
  const directory = join(house.places.rootfs, digest);
  const content = parts.map((part) => part.plugin.contents(part.spec, part.lock));
  const value: RootfsValue = {
    digest,
    directory,
    fetched: content.flatMap(({ archived }) => archived.map(({ sha256 }) => sha256)),
    kept: [
      ...content.flatMap(({ kept }) => kept.map(({ sha256 }) => sha256)),
      ...(spec.customize ?? []).flatMap(({ file }) => file?.sha256 ?? []),
    ],
    laid: Date.now(),
    ...(base === undefined ? {} : { base: base.digest }),
  };
  await using claim = await house.inventory.rootfs.hold(digest, value);
  const meanwhile = await usableRootfs(digest, house);
  if (meanwhile !== undefined) return { rootfs: meanwhile };
  await claim.record(value);
  await house.inventory.settled(); // what it needs of the store is not pruned from here on
  const fresh = `${directory}.new`;
  for (const left of [fresh, directory]) await removeMapped(left);
  try {
    return await withWork(house, async (work) => {
      const context = createContextOf(house, work, trusted);
      const { made, obtained } = await obtainAll(parts, context);
      const plan = planOf(spec, parts, made);
      const { laid, customized } = await layAndApply(stepsOf(spec, parts, made), parts, fresh, context, base);
      await rename(fresh, directory);
      const done: RootfsValue = {
        ...value,
        ...(laid.manifest === undefined ? {} : { manifest: laid.manifest }),
        ...(customized === undefined ? {} : { customized, kept: [...value.kept, customized] }),
      };
      await claim.commit(done);
      return { rootfs: rootfsOf(done), plan, obtained };
    });
  } catch (error) {
    const told = explainFull(error, 'cannot lay the tree', house.places, { about: roomFor(content) });
    await removeMapped(fresh);
    throw told; // the record stays, as of a making that was interrupted: prune knows by it what was fetched
  }
}

/** Packages are fetched, and their contents are about three times as large. */
function roomFor(contents: readonly ReturnType<Part['plugin']['contents']>[]): number {
  const sizes = contents.flatMap(({ archived, kept }) => [...archived, ...kept].map(({ size }) => size));
  return 4 * sizes.reduce((sum, size) => sum + size, 0);
}

async function layAndApply(
  steps: ReturnType<typeof stepsOf>,
  parts: readonly Part[],
  directory: string,
  context: CreateContext,
  from: RootfsValue | undefined,
): Promise<{ readonly laid: LaidRoot; readonly customized: string | undefined }> {
  const base = baseOf(parts);
  const laid = from === undefined ? await layBase(base, directory, context) : await copyBase(from, directory, context);
  const owners: { path: string; uid: number; gid: number }[] = [];
  await using session = await enclose(
    { root: directory, level: context.trusted ? 'trusted' : 'confined', network: 'none', mounts: [] },
    context.signal,
  );
  const onOwner = (path: string, uid: number, gid: number) => owners.push({ path, uid, gid });
  const { accounts, distributions, files } = steps;
  if (from !== undefined) await applySteps(installSteps(base), session, context.store, onOwner);
  await applySteps([...accounts, ...distributions], session, context.store, onOwner);
  const changed = await customize(steps.customize, session, context.store, { onOwner, signal: context.signal });
  await applySteps(files, session, context.store, onOwner);
  await forgetMoment(session, context.signal);
  if (laid.manifest !== undefined) await appendManifest(laid.manifest, owners);
  return { laid, customized: await keepCustomized(changed, context.store) };
}

async function layBase({ id, plugin, spec, lock }: Part, directory: string, context: CreateContext): Promise<LaidRoot> {
  const laid = await plugin.bootstrap?.(spec, lock, directory, context);
  if (laid === undefined) throw new Error(`${id} cannot lay a root`);
  return laid;
}

async function copyBase(
  { directory, manifest }: RootfsValue,
  to: string,
  { signal }: CreateContext,
): Promise<LaidRoot> {
  await copyMapped(directory, to, signal);
  return { directory: to, ...(manifest === undefined ? {} : { manifest }) };
}

/** The tree that is there, whole. Who needs it has written that down: no prune takes it away any more. */
export async function usableRootfs(digest: string, house: House): Promise<BuiltRootfs | undefined> {
  await house.inventory.settled();
  const held = await house.inventory.rootfs.find(digest);
  if (held?.status !== 'made') return undefined;
  const there = await stat(held.value.directory).catch(() => undefined);
  return there?.isDirectory() === true ? rootfsOf(held.value) : undefined;
}

/** The tree that a record of the inventory is about. */
export function rootfsOf({ digest, directory, manifest, laid, customized, base }: RootfsValue): BuiltRootfs {
  return {
    digest,
    directory,
    ...(manifest === undefined ? {} : { manifest }),
    ...(laid === undefined ? {} : { laid }),
    ...(customized === undefined ? {} : { customized }),
    ...(base === undefined ? {} : { base }),
  };
}
