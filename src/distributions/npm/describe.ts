import { posix } from 'node:path';

import { byBytes, deniesOthers, isSecretPath, type Note } from '../../model/index.ts';
import type { Root, TraceContext } from '../../contract/index.ts';
import { keepTree, storedTree, type KeptTree } from '../../toolkits/trees/compose.ts';
import { describeEach, type DescribedOne } from '../../toolkits/trees/each.ts';
import { cleanAddress as cleanRemote } from '../../toolkits/vcs/address.ts';
import { cleanAddress, commonRegistry, toResolved } from './address.ts';
import { layoutAt } from './claim.ts';
import { defaultRegistry, tracedConfig } from './client.ts';
import { artifactFinder, type Artifact, type FindArtifact } from './find-artifact.ts';
import { caches, type Layout } from './layout.ts';
import { nodeOf } from './node-of.ts';
import { nameIn, readTree } from './read-tree.ts';
import { isInstallers, npmSecrets } from './secrets.ts';
import { modulesOf, type NpmLock, type NpmPackage, type NpmSpec } from './spec.ts';

/** Each tree whose files were used, whole: what its packages' tarballs don't bring is kept. */
export const describe = describeEach<NpmSpec, NpmLock>(async (top, { paths, keys }, root, context) => {
  const layout = await layoutAt(root, top, context);
  return layout === undefined ? undefined : await describeTree(root, layout, paths, keys, context);
});

async function describeTree(
  root: Root,
  layout: Layout,
  used: readonly string[],
  keys: ReadonlySet<string>,
  context: TraceContext,
): Promise<DescribedOne<NpmSpec, NpmLock>> {
  const { top, global } = layout;
  const tree = await readTree(root, layout);
  const config = await tracedConfig(root, top, context.ran?.env);
  const registry =
    commonRegistry(tree.rows) ??
    config.registry ??
    (root.directory === '/' && context.keep ? await defaultRegistry() : undefined);
  const found = await findArtifacts(
    tree.rows,
    context.keep ? artifactFinder(root, config, registry, context) : undefined,
  );
  const supplied = suppliedBy(found);
  const notes = [...tree.notes];
  const { cut, ...kept } = context.keep ? await keep(root, layout, used, supplied, context, notes) : {};
  const rows = await certainRows(tree.rows, found, kept, context);
  const standsOn = await nodeOf(root, layout, context.ran);
  const bins = [...layout.bins.keys()].map((path) => path.slice(top === '/' ? 1 : top.length + 1)).sort(byBytes);
  const packages = listed(rows, layout, tree.requests, keys);
  const count = rows.filter(({ link }) => link === undefined).length;
  return {
    distribution: {
      spec: {
        type: 'npm',
        path: top,
        ...(global ? { global } : {}),
        ...(tree.manager === undefined ? {} : { manager: tree.manager }),
        ...(registry === undefined ? {} : { registry }),
        ...(packages.length === 0 ? {} : { packages }),
      },
      lock: {
        packages: rows.map((row) => ({ ...row, ...resolvedOf(row, registry) })).map(compact),
        ...kept,
        ...(bins.length === 0 ? {} : { bins }),
      },
      instance: top,
      summary: `1 npm tree (${tree.manager === undefined ? '' : `${tree.manager}, `}${count} package${count === 1 ? '' : 's'})`,
      ...(standsOn === undefined ? {} : { standsOn }),
    },
    ...(cut === undefined ? {} : { cut }),
    notes,
    leads: [...layout.links.values()].map((goal) => posix.join(goal, 'package.json')),
  };
}

/** The tarballs of the packages that came in one, by key. */
async function findArtifacts(
  rows: readonly NpmPackage[],
  find: FindArtifact | undefined,
): Promise<ReadonlyMap<string, Artifact>> {
  const found = new Map<string, Artifact>();
  for (const row of rows) {
    const { path, resolved } = row;
    const isPublic = resolved === undefined || cleanAddress(resolved) !== undefined;
    const isPacked = row.link === undefined && row.bundled !== true;
    const artifact = isPacked && isPublic && row.version !== '' ? await find?.(row) : undefined;
    if (artifact !== undefined) found.set(path, artifact);
  }
  return found;
}

function suppliedBy(artifacts: ReadonlyMap<string, Artifact>): Map<string, string> {
  const supplied = new Map<string, string>();
  for (const [key, { files }] of artifacts) for (const [path, digest] of files) supplied.set(`${key}/${path}`, digest);
  return supplied;
}

/** A tarball counts when it has a file as it lies here; what has none of its own, and came in none, is repacked. */
async function certainRows(
  rows: readonly NpmPackage[],
  artifacts: ReadonlyMap<string, Artifact>,
  kept: Pick<NpmLock, 'tree'> | undefined,
  { store }: TraceContext,
): Promise<NpmPackage[]> {
  const tree = kept?.tree === undefined ? undefined : await storedTree(kept.tree, store);
  if (tree === undefined) return [...rows];
  const is = new Map(tree.map((entry) => [entry.path, entry.sha256]));
  const certain = new Set<string>();
  for (const [key, { files }] of artifacts) {
    for (const [path, digest] of files) if (is.get(`${key}/${path}`) === digest) certain.add(key);
  }
  return rows.map((row) => {
    const artifact = certain.has(row.path) ? artifacts.get(row.path) : undefined;
    if (artifact !== undefined) {
      const { sha256, size, integrity } = artifact;
      return { ...row, integrity, size, sha256 };
    }
    const isSupplied = row.bundled === true && enclosing(row.path).some((key) => certain.has(key));
    return row.link !== undefined || isSupplied ? row : { ...row, repacked: true };
  });
}

/** The keys of the packages that a package lies in. */
function enclosing(key: string): string[] {
  const found: string[] = [];
  for (let at = key.lastIndexOf('/node_modules/'); at > 0; at = key.lastIndexOf('/node_modules/', at - 1))
    found.push(key.slice(0, at));
  return found;
}

const isCache = new RegExp(`/node_modules/(?:${caches.map((name) => RegExp.escape(name)).join('|')})(?:/|$)`);

async function keep(
  root: Root,
  layout: Layout,
  used: readonly string[],
  supplied: ReadonlyMap<string, string>,
  context: TraceContext,
  notes: Note[],
): Promise<Pick<KeptTree, 'tree' | 'rest' | 'files' | 'size' | 'cut'>> {
  const { top, folders, except, bins } = layout;
  const isSupplied = (path: string) => supplied.has(path.slice(top === '/' ? 1 : top.length + 1));
  const paths = new Set([...used, ...bins.keys()]);
  for await (const { path, type, mode } of root.scan({ below: folders, except, digests: [], signal: context.signal })) {
    if (isCache.test(path)) continue;
    const isOwn = isSupplied(path) || isInstallers(path);
    if (type !== 'file' || isOwn || (!isSecretPath(path) && !deniesOthers(mode))) paths.add(path);
    else {
      paths.delete(path);
      const because = isSecretPath(path)
        ? 'it is a place for keys, tokens or passwords'
        : 'its mode denies others to read it';
      notes.push({ kind: 'left', path, text: `${path} is not kept: ${because}` });
    }
  }
  const { notes: more, ...kept } = await keepTree(root, top, paths, supplied, context.store, npmSecrets);
  notes.push(...more);
  return kept;
}

/** What a person would ask for: what the project asks for, and what was used at the top; one version of each name. */
function listed(
  rows: readonly NpmPackage[],
  layout: Layout,
  requests: ReadonlySet<string>,
  keys: ReadonlySet<string>,
): string[] {
  const versions = new Map(rows.map((row) => [row.path, row]));
  const names = new Map<string, string>();
  const used = new Set([...keys].map(nameIn));
  for (const [name, key] of layout.direct) {
    const row = versions.get(key);
    if (row === undefined || row.version === '' || row.link !== undefined) continue;
    if (!requests.has(name) && !keys.has(key) && !used.has(name)) continue;
    names.set(name, row.name === name ? `${name}@${row.version}` : `${name}@npm:${row.name}@${row.version}`);
  }
  for (const key of keys) {
    const row = versions.get(key);
    // of pnpm's, what is not at the top may be used all the same
    if (
      row !== undefined &&
      row.version !== '' &&
      !names.has(row.name) &&
      key.startsWith(`${modulesOf(layout)}/.pnpm/`)
    )
      names.set(row.name, `${row.name}@${row.version}`);
  }
  return [...names.values()].sort(byBytes);
}

function resolvedOf(row: NpmPackage, registry: string | undefined): Pick<NpmPackage, 'resolved'> {
  if (row.resolved === undefined) return {};
  const [, remote, commit] = /^(git\+[^#]*)(#[0-9a-f]+)?$/.exec(row.resolved) ?? [];
  const address = remote === undefined ? cleanAddress(row.resolved) : `${cleanRemote(remote)}${commit ?? ''}`;
  const resolved = toResolved(address, row, registry);
  return resolved === undefined ? { resolved: undefined as unknown as string } : { resolved };
}

/** One order of keys, none of them empty. */
function compact(row: NpmPackage): NpmPackage {
  const order = [
    'path',
    'name',
    'version',
    'resolved',
    'integrity',
    'size',
    'sha256',
    'repacked',
    'bundled',
    'link',
    'scripts',
  ] as const;
  return Object.fromEntries(
    order.flatMap((key) => (row[key] === undefined ? [] : [[key, row[key]]])),
  ) as unknown as NpmPackage;
}
