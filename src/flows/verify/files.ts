import type { Root } from '../../contract/index.ts';
import {
  byBytes,
  keptWithoutSecrets,
  type Difference,
  type Entry,
  type FileLock,
  type Level,
} from '../../model/index.ts';
import { ownedBy, type Manifest } from '../../roots/manifest.ts';
import { canonicalPaths } from '../attribute.ts';
import type { Expected } from './expected.ts';
import { sortOf, totalOf } from './sorts.ts';

/** Traced, loose and written files, each against what the spec says of it. */
export async function verifyFiles(
  { files, outputs }: Expected,
  tree: ReadonlyMap<string, Entry>,
  root: Root,
  { manifest, owned }: { readonly manifest: Manifest | undefined; readonly owned: ReadonlySet<string> },
): Promise<Level> {
  const paths = [...files.keys()].sort(byBytes);
  const entries = await entriesOf(paths, tree, root, manifest);
  const differing: Difference[] = [];
  const explained: Difference[] = [];
  const sorts = new Map<string, { checked: number; equal: number }>();
  sortOf(sorts, 'of packages'); // the first, whatever is counted first
  for (const [index, path] of paths.entries()) {
    const file = files.get(path) as FileLock;
    const differences = compareFile(file, entries[index]);
    const sort = sortOf(sorts, owned.has(path) ? 'of packages' : 'loose');
    sort.checked += 1;
    if (differences.length === 0) sort.equal += 1;
    else if (outputs.has(path)) explained.push(...explain(differences, 'a run writes it'));
    else if (file.left !== undefined && entries[index] === undefined) {
      explained.push(...explain(differences, `not carried: ${file.left}`));
    } else if (file.left === 'secret' && differences.every(({ kind }) => kind === 'changed')) {
      explained.push(...explain(differences, keptWithoutSecrets));
    } else differing.push(...differences);
  }
  return { ...totalOf(sorts), differing, explained };
}

/** How a file differs from what is written of it; empty where it does not. */
function compareFile(file: FileLock, entry: Entry | undefined): readonly Difference[] {
  const path = file.path;
  if (entry === undefined) return [{ path, kind: 'missing' }];
  const type = file.link === undefined ? (file.directory === true ? 'directory' : 'file') : 'link';
  if (entry.type !== type) return [{ path, kind: 'type', was: type, is: entry.type }];
  const found: Difference[] = [];
  if (type === 'link' && entry.target !== file.link) {
    found.push({ path, kind: 'changed', was: file.link ?? '', is: entry.target ?? '' });
  }
  if (type === 'file' && file.sha256 !== undefined && entry.sha256 !== file.sha256) {
    if (entry.sha256 === undefined) found.push({ path, kind: 'unreadable', was: file.sha256 });
    else found.push({ path, kind: 'changed', was: file.sha256, is: entry.sha256 });
  }
  const mode = entry.mode.toString(8).padStart(4, '0');
  if (type !== 'link' && file.mode !== undefined && file.mode !== mode) {
    found.push({ path, kind: 'mode', was: file.mode, is: mode });
  }
  const owner = `${file.uid ?? entry.uid}:${file.gid ?? entry.gid}`;
  const is = `${entry.uid}:${entry.gid}`;
  if (owner !== is) found.push({ path, kind: 'owner', was: owner, is });
  return found;
}

/** What is at these paths: from the tree, or looked at where that left it out. */
export async function entriesOf(
  paths: readonly string[],
  tree: ReadonlyMap<string, Entry>,
  root: Root,
  manifest?: Manifest,
): Promise<readonly (Entry | undefined)[]> {
  const canonical = await canonicalPaths(paths, root);
  const open = canonical.filter((path) => !tree.has(path));
  const seen = new Map<string, Entry>();
  if (open.length > 0) {
    const stats = await root.lstat(open);
    const files = open.filter((_, index) => stats[index]?.type === 'file');
    const digests = new Map((await root.digest(files, 'sha256')).map((digest, index) => [files[index], digest]));
    for (const [index, path] of open.entries()) {
      const stat = stats[index];
      if (stat === undefined) continue;
      const { type, mode, uid, gid, size } = stat;
      const digest = digests.get(path);
      const target = type === 'link' ? await root.readlink(path) : undefined;
      const entry: Entry = {
        path,
        type,
        mode,
        uid,
        gid,
        size,
        ...(digest === undefined ? {} : { sha256: digest }),
        ...(target === undefined ? {} : { target }),
      };
      seen.set(path, manifest === undefined ? entry : ownedBy(manifest, entry));
    }
  }
  return canonical.map((path) => tree.get(path) ?? seen.get(path));
}

function explain(differences: readonly Difference[], explained: string): readonly Difference[] {
  return differences.map((one) => ({ ...one, explained }));
}
