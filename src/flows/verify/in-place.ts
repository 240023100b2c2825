import type { Root } from '../../contract/index.ts';
import type { Level, LevelName, Spec, Verdict } from '../../model/index.ts';
import { baseOf, partsOf } from '../plan.ts';
import type { VerifyOptions } from './options.ts';
import { verifyArtifacts } from './artifacts.ts';
import { verifyContents } from './contents.ts';
import { expectedFiles } from './expected.ts';
import { verifyFiles } from './files.ts';
import { verifyPackages } from './packages.ts';
import { usedFiles } from './used.ts';

/**
 * Compares a place that was there before with what was laid over it: the system has to have what the spec wants of it,
 * and what it has beyond that is its own. There is no fingerprint: the place is more than the spec.
 */
export async function verifyInPlace(spec: Spec, root: Root, options: VerifyOptions): Promise<Verdict> {
  const { context, distributions } = options;
  const parts = partsOf(spec, distributions);
  const base = baseOf(parts);
  const overlays = parts.filter((part) => part !== base);
  const used = await usedFiles(spec, context);
  const expected = expectedFiles(spec, overlays, options.made ?? {}, [...used, ...(options.traced ?? [])]);
  const all = await verifyPackages(parts, root, context);
  const packages: Level = {
    ...all,
    differing: all.differing.filter(({ kind, owner }) => kind !== 'unknown' || owner !== base.id),
  };
  const tree = new Map();
  const looked = { tree, expected, origin: undefined, customized: new Map() };
  const owned = new Set(used.map(({ path }) => path));
  const levels: Readonly<Partial<Record<LevelName, Level>>> = {
    packages,
    artifacts: await verifyArtifacts(overlays, context, options.built),
    contents: await verifyContents(overlays, looked, root, context),
    files: await verifyFiles(expected, tree, root, { manifest: undefined, owned }),
  };
  return {
    equal: Object.values(levels).every(({ differing }) => differing.length === 0),
    levels,
    inPlace: true,
    unvouched: options.unvouched ?? [],
  };
}
