import { existsSync } from 'node:fs';

import {
  UserError,
  volatileMatcher,
  volatilePaths,
  type Entry,
  type Fingerprint,
  type Level,
  type LevelName,
  type Spec,
  type Verdict,
  type VolatileMatcher,
} from '../model/index.ts';
import type { Context, CreateContext, Root } from '../contract/index.ts';
import type { RootfsValue } from '../inventory/inventory.ts';
import { localRoot } from '../roots/local.ts';
import { readManifest, type Manifest } from '../roots/manifest.ts';
import { findMapping } from '../sessions/mapped.ts';
import { ownersInside } from '../sessions/owners.ts';
import type { InstanceRootfs } from './attach.ts';
import { readCustomized } from './create/customize.ts';
import { readTouched } from './change/touched.ts';
import { fingerprintOfEntries, volatileOf } from './fingerprint.ts';
import { treeEntries } from './fingerprint/tree.ts';
import { partsOf, type Part } from './plan.ts';
import { verifyArtifacts } from './verify/artifacts.ts';
import { verifyContents } from './verify/contents.ts';
import { expectedFiles } from './verify/expected.ts';
import { verifyFiles } from './verify/files.ts';
import { verifyInPlace } from './verify/in-place.ts';
import { usedFiles } from './verify/used.ts';
import type { VerifyOptions } from './verify/options.ts';
import { verifyPackages } from './verify/packages.ts';
import { compareWithSource } from './verify/source-tree.ts';
import { rememberTree, type ReadTree } from './verify/remember.ts';

/** What the rootfs of an instance tells verify. */
export function madeFrom(
  rootfs: (Pick<RootfsValue, 'directory' | 'manifest'> & Partial<InstanceRootfs>) | undefined,
): Pick<VerifyOptions, 'source' | 'manifest' | 'built' | 'touched' | 'customized' | 'inPlace'> {
  if (rootfs === undefined) return {};
  const { directory, manifest, fetched, kept, changed, customized, base } = rootfs;
  return {
    ...(existsSync(directory) ? { source: ownersInside(localRoot(directory, 'rootfs'), findMapping()) } : {}),
    ...(manifest === undefined ? {} : { manifest }),
    ...(fetched === undefined || kept === undefined
      ? {}
      : { built: [...fetched, ...kept, ...(changed?.contents ?? [])] }),
    ...(changed === undefined ? {} : { touched: changed.paths }),
    ...(customized === undefined ? {} : { customized }),
    ...(base === undefined ? {} : { inPlace: true }),
  };
}

/** Compares a root with a spec: never what was meant to be made, only what is there. The tree is read once. */
export async function verify(spec: Spec, root: Root, options: VerifyOptions): Promise<Verdict> {
  if (options.inPlace === true) return await verifyInPlace(spec, root, options);
  const { context, distributions } = options;
  const parts = partsOf(spec, distributions);
  const manifest = options.manifest === undefined ? undefined : await readManifest(options.manifest);
  const volatile = volatileMatcher([...volatilePaths, ...volatileOf(spec, distributions)]);
  const read = await readTree(root, volatile, manifest, context);
  const remembered = rememberTree(root, read);
  const tree = new Map([...read.entries].filter(([path]) => !volatile.matches(path)));
  const used = await usedFiles(spec, context);
  const expected = expectedFiles(spec, parts, options.made ?? {}, [...used, ...(options.traced ?? [])]);
  const owned = new Set(used.map(({ path }) => path));

  const packages = await verifyPackages(parts, remembered, context);
  const artifacts = await verifyArtifacts(parts, context, options.built);
  const { source } = options;
  const touched = options.touched === undefined ? new Map() : await readTouched(options.touched, context.store);
  const origin =
    source === undefined
      ? undefined
      : await compareWithSource(source, tree, { volatile, manifest, touched, signal: context.signal });
  const customized = await readCustomized(options.customized, context.store);
  const contents = await verifyContents(parts, { tree, expected, origin, customized }, remembered, context);
  const files = await verifyFiles(expected, tree, remembered, { manifest, owned });
  const fingerprint = await printOf(tree, root, manifest);
  const levels: Readonly<Partial<Record<LevelName, Level>>> = { packages, artifacts, contents, files };
  return {
    equal: Object.values(levels).every(({ differing }) => differing.length === 0),
    levels,
    ...(fingerprint === undefined ? {} : { fingerprint: fingerprint.digest, owners: fingerprint.owners }),
    unvouched: options.unvouched ?? (await unvouchedOf(parts, context)),
  };
}

async function readTree(
  root: Root,
  volatile: VolatileMatcher,
  manifest: Manifest | undefined,
  context: Context,
): Promise<ReadTree> {
  const entries = new Map<string, Entry>();
  // md5 as well: dpkg's own digests are that, and a file is read once for both
  const options = { digests: ['sha256', 'md5'] as const, manifest, signal: context.signal, all: true };
  for await (const entry of treeEntries(root, volatile, options)) {
    entries.set(entry.path, entry);
    if (entries.size % 1000 === 0) {
      context.onProgress({ step: 'verify', what: root.label, done: entries.size, unit: 'files' });
    }
  }
  return { entries, except: volatile.except };
}

/** Absent where something can't be read: `contents` names it then. */
async function printOf(
  tree: ReadonlyMap<string, Entry>,
  root: Root,
  manifest: Manifest | undefined,
): Promise<Fingerprint | undefined> {
  try {
    return await fingerprintOfEntries(tree.values(), root.label, manifest);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

async function unvouchedOf(parts: readonly Part[], context: CreateContext): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { plugin, spec, lock } of parts) {
    const trust = await plugin.trust?.(spec, lock, context);
    found.push(...(trust?.byNobody ?? []));
  }
  return found;
}
