import type { Context, Root } from '../../contract/index.ts';
import { byBytes, type Difference, type Entry, type Level } from '../../model/index.ts';
import type { Part } from '../plan.ts';
import { isAsCustomized, type CustomizedPaths } from '../create/customize.ts';
import { canonicalPaths } from '../attribute.ts';
import type { Expected } from './expected.ts';
import type { Origin } from './source-tree.ts';

/** What was found by looking at a root. */
interface Looked {
  readonly tree: ReadonlyMap<string, Entry>;
  readonly expected: Expected;
  /** The tree that the root was made from, where it is at hand. */
  readonly origin: Origin | undefined;
  /** What the user's own steps made of paths. */
  readonly customized: CustomizedPaths;
}

/** Files against their packages' own digests and the tree that they came from, and what no package knows. */
export async function verifyContents(
  parts: readonly Part[],
  looked: Looked,
  root: Root,
  context: Context,
): Promise<Level> {
  const { tree, expected, origin } = looked;
  const differing: Difference[] = [];
  const explained: Difference[] = [];
  const own = new Set<string>();
  let checked = 0;
  const outputs = new Set(await canonicalPaths([...expected.outputs], root));
  for (const { plugin, spec, lock } of parts) {
    const answer = await plugin.check?.(spec, lock, root, context);
    if (answer === undefined) continue;
    checked += answer.checked;
    for (const path of answer.own ?? []) own.add(path);
    // what nobody owns is found below, where all distributions and the spec itself are asked; but what does not belong
    // into a folder that an overlay has as a whole, only that knows
    for (const one of answer.differing) {
      if (one.kind === 'unknown' && plugin.bootstrap !== undefined) continue;
      // a tracked file that a run changes lies here as it was before it; `files` compares it with that
      const own = ownStep(one.path, looked);
      if (outputs.has(one.path)) explained.push({ ...one, explained: 'a run writes it' });
      else if (own !== undefined) explained.push({ ...one, explained: own });
      else differing.push(one);
    }
    explained.push(...answer.explained.filter(({ kind }) => kind !== 'unknown'));
  }
  const named = new Set([...differing, ...explained].map(keyOf));
  const fresh = (origin?.changes ?? []).filter((change) => !named.has(keyOf(change)));
  const owners = await ownersOf(fresh, parts, root, context);
  for (const change of fresh) {
    const owner = owners.get(change.path);
    const one = { ...change, ...(owner === undefined ? {} : { owner }) };
    if (outputs.has(change.path)) explained.push({ ...one, explained: 'a run writes it' });
    else differing.push(one);
  }
  const wrong = new Set([...differing, ...explained].map(({ path }) => path));
  for (const one of await findUnknown(parts, looked, own, root, context)) {
    if (wrong.has(one.path)) continue;
    (one.explained === undefined ? differing : explained).push(one);
  }
  for (const { path, unreadable } of tree.values()) {
    if (unreadable === true && !wrong.has(path)) differing.push({ path, kind: 'unreadable' });
  }
  return {
    checked,
    equal: Math.max(0, checked - wrong.size),
    differing: differing.toSorted(byPath),
    explained: explained.toSorted(byPath),
  };
}

async function ownersOf(
  changes: readonly Difference[],
  parts: readonly Part[],
  root: Root,
  context: Context,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  if (changes.length === 0) return found;
  const packages = parts.flatMap(({ plugin, spec, lock }) => plugin.packages(spec, lock));
  const names = new Map(packages.map(({ key, name = key, version }) => [key, `${name} ${version}`.trim()]));
  const paths = [...new Set(changes.map(({ path }) => path))];
  for (const plugin of new Set(parts.map((part) => part.plugin))) {
    for (const [path, [first]] of await plugin.claim(paths, root, context)) {
      if (first !== undefined && !found.has(path)) found.set(path, names.get(first.key) ?? first.key);
    }
  }
  return found;
}

function keyOf({ path, kind }: Difference): string {
  return `${path}\0${kind}`;
}

function byPath(a: Difference, b: Difference): number {
  return byBytes(a.path, b.path);
}

/** Files, links and devices that neither a distribution of the spec nor the spec itself has. */
async function findUnknown(
  parts: readonly Part[],
  looked: Looked,
  own: ReadonlySet<string>,
  root: Root,
  context: Context,
): Promise<readonly Difference[]> {
  const { tree, expected, origin } = looked;
  const paths = [...tree.values()].filter(({ type }) => type !== 'directory').map(({ path }) => path);
  const found: Difference[] = [];
  const owned = new Set(own);
  for (const plugin of new Set(parts.map((part) => part.plugin))) {
    const places = placesOf(parts.filter((part) => part.plugin === plugin));
    for (const [path, owners] of await plugin.claim(paths, root, context)) {
      // a work tree or prefix that the spec does not name owns nothing here
      const ours = owners.filter(({ instance }) => instance === undefined || places.has(instance));
      if (ours.length === 0) continue;
      owned.add(path);
      const [first] = ours;
      if (first?.explained === undefined || ours.some((owner) => owner.explained === undefined)) continue;
      found.push({ path, kind: 'unknown', owner: first.key, explained: first.explained });
    }
  }
  const ours = await reasons(expected, root);
  for (const path of paths) {
    if (owned.has(path)) continue;
    // nothing but the packages' own scripts ran while the tree was laid
    const reason =
      ownStep(path, looked) ??
      ours.get(path) ??
      (origin?.paths.has(path) === true ? 'made when its package was configured' : undefined);
    found.push({ path, kind: 'unknown', ...(reason === undefined ? {} : { explained: reason }) });
  }
  return found;
}

/** Why a path is as it is, where one of the user's own steps made it so and nobody has changed it since. */
function ownStep(path: string, { customized, tree }: Looked): string | undefined {
  const one = customized.get(path);
  return one !== undefined && isAsCustomized(one, tree.get(path)) ? one.because : undefined;
}

/** Paths that the spec itself brings, as the tree has them, each with why. */
async function reasons({ files, outputs, planned }: Expected, root: Root): Promise<ReadonlyMap<string, string>> {
  const said = new Map<string, string>();
  for (const path of files.keys()) said.set(path, 'named by the spec');
  for (const [path, because] of planned) said.set(path, because);
  for (const path of outputs) said.set(path, 'a run writes it');
  const paths = [...said.keys()];
  const canonical = await canonicalPaths(paths, root);
  return new Map(paths.map((path, index) => [canonical[index] ?? path, said.get(path) ?? '']));
}

function placesOf(parts: readonly Part[]): ReadonlySet<string> {
  return new Set(
    parts.flatMap(({ spec }) => {
      const { path } = spec as { readonly path?: unknown };
      return typeof path === 'string' ? [path] : [];
    }),
  );
}
