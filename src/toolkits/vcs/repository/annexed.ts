import { posix } from 'node:path';

import { byBytes, isSecretPath, sha256, type Note } from '../../../model/index.ts';
import type { Root, TraceContext } from '../../../contract/index.ts';
import { keyOfPath, objectPath } from '../annex/key.ts';
import { readAnnexLogs, webUuid, type AnnexLogs } from '../annex/logs.ts';
import { lastValue } from '../config.ts';
import { hasAnnex } from '../kind.ts';
import { readObjects } from '../read-objects.ts';
import type { WorkTree } from '../worktree.ts';
import type { Captured } from './capture.ts';
import type { AnnexedContent, GitLock, GitSpec } from './spec.ts';
import { remotesOf, type Remote } from './state.ts';

/** Content up to this size is in every bundle, although a remote has it: remotes go away. */
const smallContent = 64 * 1024 * 1024;
/** So much of one content, and of all together, is stored where a remote has it: as of a run's inputs. */
const largest = { one: 2 * 1024 ** 3, all: 8 * 1024 ** 3 };

/** What git-annex has of a work tree, as far as it was used. */
export interface UsedAnnex {
  readonly spec: Pick<GitSpec, 'special' | 'get'>;
  readonly lock: Pick<GitLock, 'annex' | 'uuids' | 'keys'>;
  /** Paths of contents that were used, absolute: they belong to the tree. */
  readonly paths: readonly string[];
  /** Files that hold content that was not used, by path below the top: what their pointers are. */
  readonly unused: ReadonlyMap<string, { readonly size: number; readonly sha256: string }>;
  readonly notes: readonly Note[];
}

/** Keys whose content was used, with what is known of where else it is; unlocked files that were not used. */
export async function describeAnnex(
  root: Root,
  tree: WorkTree,
  { pointers, filled }: Pick<Captured, 'pointers' | 'filled'>,
  used: readonly string[],
  context: TraceContext,
): Promise<UsedAnnex | undefined> {
  if (!(await hasAnnex(root, tree))) return undefined;
  const notes: Note[] = [];
  const keys = await usedKeys(root, tree, { pointers, filled }, used);
  using objects = await readObjects(root, tree.commonDir, tree.algorithm);
  const logs = await readAnnexLogs(root, tree.commonDir, objects);
  const remotes = remotesOf(tree);
  const uuids = new Map(
    remotes.flatMap(({ name }) => {
      const uuid = lastValue(tree.config, `remote.${name}.annex-uuid`);
      return uuid !== undefined && /^[0-9a-fA-F-]{36}$/.test(uuid) ? [[name, uuid] as const] : [];
    }),
  );
  const rows: AnnexedContent[] = [];
  const paths: string[] = [];
  let room = largest.all;
  const here = await contentsHere(root, tree, keys, notes);
  const digests = await root.digest(
    here.map(({ source }) => source),
    'sha256',
  );
  for (const [index, { key, links, unlocked, source, size, isObject }] of here.entries()) {
    const digest = digests[index];
    if (digest === undefined) continue;
    if (isObject) paths.push(source);
    const where = await placesOf(key, logs, uuids, remotes);
    const kept = context.keep && (!where.elsewhere || (size <= largest.one && size <= room));
    if (kept && where.elsewhere) room -= size;
    if (kept) await keep(root, source, digest, context);
    rows.push({
      key,
      paths: [...links.keys(), ...unlocked].sort(byBytes),
      ...(unlocked.length === 0 ? {} : { unlocked: [...unlocked].sort(byBytes) }),
      size,
      sha256: digest,
      ...where.rows,
      ...(kept && (!where.elsewhere || size <= smallContent) ? { kept: true } : {}),
    });
  }
  const own = new Set(rows.flatMap(({ unlocked = [] }) => unlocked));
  const unused = [...pointers.values()].filter(
    ({ path, pointer }) => pointer.by === 'annex' && filled.has(path) && !own.has(path),
  );
  const version = Number(lastValue(tree.config, 'annex.version') ?? (rows.length > 0 ? 10 : Number.NaN));
  const get = rows.flatMap((row) => row.paths).sort(byBytes);
  return {
    spec: {
      ...(logs.special.length === 0 ? {} : { special: logs.special }),
      ...(get.length === 0 ? {} : { get }),
    },
    lock: {
      ...(Number.isSafeInteger(version) ? { annex: version } : {}),
      ...(uuids.size === 0 ? {} : { uuids: Object.fromEntries(uuids) }),
      ...(rows.length === 0 ? {} : { keys: rows }),
    },
    paths,
    unused: new Map(unused.map(({ path, text }) => [path, { size: text.length, sha256: sha256(text) }])),
    notes,
  };
}

/** Links in the work tree with their targets, and files that are content, by key. */
type Uses = Map<string, Use>;

interface Use {
  readonly links: Map<string, string>;
  readonly unlocked: string[];
}

interface Content extends Use {
  readonly key: string;
  /** Where it is read, absolute: git-annex's own file, else an unlocked one. */
  readonly source: string;
  readonly isObject: boolean;
  readonly size: number;
}

/** The keys whose content is here and may be kept, sorted; looked at in two batches. A link may lead nowhere. */
async function contentsHere(root: Root, tree: WorkTree, keys: Uses, notes: Note[]): Promise<Content[]> {
  const sorted = [...keys].sort(([a], [b]) => byBytes(a, b));
  const objects = sorted.map(([key, { links }]) => posix.join(tree.top, '.git', objectOf(links, key)));
  const stats = await root.lstat(objects);
  const instead = sorted.map(([, { unlocked }]) => posix.join(tree.top, unlocked[0] ?? ''));
  const others = await root.lstat(instead.filter((_, index) => stats[index]?.type !== 'file'));
  const found: Content[] = [];
  let next = 0;
  for (const [index, [key, use]] of sorted.entries()) {
    const isObject = stats[index]?.type === 'file';
    const stat = isObject ? stats[index] : others[next++];
    if (stat?.type !== 'file') continue;
    const secret = [...use.links.keys(), ...use.unlocked].find((path) => isSecretPath(posix.join(tree.top, path)));
    const source = (isObject ? objects[index] : instead[index]) ?? '';
    if (secret === undefined) found.push({ key, ...use, source, isObject, size: stat.size });
    else {
      const path = posix.join(tree.top, secret);
      notes.push({ kind: 'left', path, text: `the content of ${path} is not kept: it is a place for secrets` });
    }
  }
  return found;
}

async function usedKeys(
  root: Root,
  tree: WorkTree,
  { pointers, filled }: Pick<Captured, 'pointers' | 'filled'>,
  used: readonly string[],
): Promise<Uses> {
  const uses: Uses = new Map();
  const useOf = (key: string) => {
    const use = uses.get(key) ?? { links: new Map<string, string>(), unlocked: [] };
    uses.set(key, use);
    return use;
  };
  const direct = new Set(used.flatMap((path) => keyOfPath(path)?.key ?? []));
  for (const key of direct) useOf(key);
  for (const path of used) {
    const relative = path.startsWith(`${tree.top}/`) ? path.slice(tree.top.length + 1) : '';
    const pointer = pointers.get(relative)?.pointer;
    if (pointer?.by === 'annex' && filled.has(relative)) useOf(pointer.key).unlocked.push(relative);
  }
  const links = tree.index.filter(({ mode }) => mode === 0o120000).map(({ path }) => path);
  const wanted = new Set(used);
  for (const path of links) {
    const at = posix.join(tree.top, path);
    if (!wanted.has(at)) continue;
    const target = await root.readlink(at).catch(() => undefined);
    const key = target === undefined ? undefined : keyOfPath(target)?.key;
    // a link that was only looked at leads to nothing that was used
    if (key !== undefined && target !== undefined && direct.has(key)) useOf(key).links.set(path, target);
  }
  return uses;
}

/** Below the git dir: as a link has it, else where a repository with a work tree has it. */
function objectOf(links: ReadonlyMap<string, string>, key: string): string {
  const [target] = links.values();
  const below =
    target === undefined
      ? undefined
      : /(?:^|\/)\.git\/(annex\/objects\/[^/]+\/[^/]+\/[^/]+\/[^/]+)$/su.exec(target)?.[1];
  return below ?? objectPath(key);
}

async function placesOf(
  key: string,
  logs: AnnexLogs,
  uuids: ReadonlyMap<string, string>,
  remotes: readonly Remote[],
): Promise<{ readonly elsewhere: boolean; readonly rows: Pick<AnnexedContent, 'urls' | 'at'> }> {
  const known = await logs.of(key);
  const named = [...[...uuids].map(([name, uuid]) => ({ name, uuid })), ...logs.special].filter(({ uuid }) =>
    known.uuids.has(uuid),
  );
  const web = known.uuids.has(webUuid) || known.urls.length > 0;
  const fetchable = new Set(remotes.filter((remote) => remote.fetchable).map(({ name }) => name));
  const elsewhere =
    known.urls.length > 0 ||
    named.some(
      ({ name }) => fetchable.has(name) || logs.special.some((one) => one.name === name && one.url !== undefined),
    );
  const at = [...new Set([...named.map(({ name }) => name), ...(web ? ['web'] : [])])].sort(byBytes);
  return {
    elsewhere,
    rows: { ...(known.urls.length === 0 ? {} : { urls: known.urls }), ...(at.length === 0 ? {} : { at }) },
  };
}

async function keep(root: Root, path: string, digest: string, { store }: TraceContext): Promise<void> {
  if ((await store.find(digest)) !== undefined) return;
  const [real] = await root.realpath([path]);
  if (root.directory === undefined || real === undefined) await store.add(await root.readFile(path, largest.one));
  else await store.addFile(posix.join(root.directory, real));
}
