import { byBytes, isWithin, type Difference, type Entry } from '../../../model/index.ts';
import type { Checked, Context, Root } from '../../../contract/index.ts';
import { readText } from '../../apt/read/reader.ts';
import type { PackageChange } from '../../trees/package-changes.ts';
import type { RpmLock } from '../spec.ts';
import { readAttribution, type Attribution } from './attribution.ts';
import { decodeCapabilities, parseCapabilities, sameCapabilities } from './capabilities.ts';
import { digestFiles, typeOf } from './changed.ts';
import { digestAlgorithm, fileFlags, filesOf, fileStates, type RpmFile } from './package.ts';

/** Below these, what is nobody's is named. */
const watched = ['/usr', '/etc', '/opt'];

/** What `rpm -V` looks at (rpm's lib/rpmvf.h), as far as `%verify` does not say otherwise. */
const looks = { digest: 1, size: 2, link: 4, user: 8, group: 16, mode: 64, capabilities: 256 } as const;

interface Expected {
  readonly file: RpmFile;
  readonly owner: string;
  readonly algorithm: string | undefined;
}

/**
 * Every file of the installed packages as `rpm -V` does it (but for times), or against what the lock says of it where
 * it had been changed; and what nobody owns, but for what is `planned`: paths that our own plan writes.
 */
export async function check(
  lock: RpmLock,
  root: Root,
  planned: ReadonlySet<string>,
  context: Context,
): Promise<Checked> {
  const attribution = await readAttribution(root);
  const expected = expectations(attribution);
  const changed = new Map((lock.changed ?? []).map((change) => [change.path, change]));
  const entries = new Map<string, Entry>();
  const unknown: string[] = [];
  const options = { digests: ['sha256', 'md5'] as const, signal: context.signal };
  const look = (entry: Entry) => {
    if (expected.has(entry.path) || changed.has(entry.path)) entries.set(entry.path, entry);
    else if (
      (entry.type === 'file' || entry.type === 'link') &&
      watched.some((folder) => isWithin(entry.path, folder)) &&
      attribution.ownersOf(entry.path) === undefined &&
      !planned.has(entry.path)
    )
      unknown.push(entry.path);
  };
  for await (const entry of root.scan({ ...options, below: watched })) look(entry);
  const elsewhere = [...new Set([...expected.keys(), ...changed.keys()])].filter(
    (path) => !watched.some((folder) => isWithin(path, folder)),
  );
  await lookAt(root, elsewhere, expected, look);

  const names = await readNames(root);
  const seen = [...entries.values()];
  const showsOwners = seen.some(({ uid, gid }) => uid !== 0 || gid !== 0);
  const shows = { owners: showsOwners, capabilities: showsOwners || seen.some(({ capability }) => capability) };
  const differing: Difference[] = unknown.map((path) => ({ path, kind: 'unknown' }));
  const explained: Difference[] = [];
  const paths = new Set([...expected.keys(), ...changed.keys()]);
  for (const path of paths) {
    const wanted = expected.get(path);
    const change = changed.get(path);
    const entry = entries.get(path);
    const owner = { owner: wanted?.[0]?.owner ?? change?.package ?? '' };
    if (entry === undefined) {
      const may = wanted?.some(({ file }) => (file.flags & (fileFlags.ghost | fileFlags.missingOk)) !== 0) ?? true;
      if (change?.removed === true) {
        explained.push({ path, kind: 'missing', ...owner, explained: 'it was removed on the traced system, too' });
      } else if (!may || (change !== undefined && change.left === undefined)) {
        differing.push({ path, kind: 'missing', ...owner });
      }
      continue;
    }
    const compare = change !== undefined && change.left === undefined ? compareChange(entry, change) : undefined;
    if (change !== undefined) {
      if (compare !== undefined) differing.push({ path, ...compare, ...owner });
      continue;
    }
    // of several packages that have a path, the one that it is of decides
    const found = await Promise.all((wanted ?? []).map((one) => differencesOf(root, entry, one, names, shows)));
    const [first = [], ...others] = found;
    if (first.length === 0 || others.some((list) => list.length === 0)) continue;
    differing.push(...first.map((one) => ({ path, ...one, ...owner })));
  }
  const order = (a: Difference, b: Difference) => byBytes(a.path, b.path) || byBytes(a.kind, b.kind);
  return { checked: paths.size, differing: differing.sort(order), explained: explained.sort(order) };
}

function expectations(attribution: Attribution): Map<string, Expected[]> {
  const expected = new Map<string, Expected[]>();
  for (const one of attribution.database.packages) {
    const owner = `${one.name} ${one.version}`;
    const algorithm = digestAlgorithm(one);
    for (const file of filesOf(one)) {
      if (file.state !== fileStates.normal) continue;
      const path = attribution.canonical(file.path);
      const there = expected.get(path);
      if (there === undefined) expected.set(path, [{ file, owner, algorithm }]);
      else there.push({ file, owner, algorithm });
    }
  }
  return expected;
}

/** Paths outside of what is walked (folders of packages, links in the root): each by itself. */
async function lookAt(
  root: Root,
  paths: readonly string[],
  expected: ReadonlyMap<string, readonly Expected[]>,
  look: (entry: Entry) => void,
): Promise<void> {
  const stats = await root.lstat(paths);
  for (const [index, path] of paths.entries()) {
    const stat = stats[index];
    if (stat === undefined) continue;
    const { type, mode, uid, gid, size } = stat;
    const target = type === 'link' ? { target: await root.readlink(path) } : {};
    const algorithm = expected.get(path)?.[0]?.algorithm ?? 'sha256';
    const [digest] = type === 'file' ? await digestFiles(root, [path], algorithm) : [];
    const digests = type === 'file' && digest !== undefined ? { [algorithm]: digest } : {};
    const [plain] = type === 'file' && algorithm !== 'sha256' ? await root.digest([path], 'sha256') : [];
    look({
      path,
      type,
      mode,
      uid,
      gid,
      size,
      ...target,
      ...(plain === undefined ? {} : { sha256: plain }),
      ...digests,
    });
  }
}

type Found = Omit<Difference, 'path' | 'owner'>;

function compareChange(entry: Entry, change: PackageChange): Found | undefined {
  if (change.link !== undefined) return entry.target === change.link ? undefined : { kind: 'changed' };
  if (change.removed === true) return { kind: 'changed', was: 'removed', is: 'there' };
  return entry.sha256 === change.sha256 ? undefined : { kind: 'changed' };
}

/** As rpmfilesVerify of rpm's lib/verify.c has it. */
async function differencesOf(
  root: Root,
  entry: Entry,
  { file, algorithm }: Expected,
  names: Names,
  shows: { readonly owners: boolean; readonly capabilities: boolean },
): Promise<Found[]> {
  const found: Found[] = [];
  const isGhost = (file.flags & fileFlags.ghost) !== 0;
  const type = typeOf(file.mode);
  const verifies = (what: number) => (file.verify & what) !== 0;
  if (entry.type !== type && !isGhost) {
    // a link to a folder will do for one
    if (type === 'directory' && entry.type === 'link') return [];
    return [{ kind: 'type', was: type, is: entry.type }];
  }
  if (!isGhost && type === 'link' && verifies(looks.link) && entry.target !== file.link) {
    found.push({ kind: 'changed', was: file.link, is: entry.target ?? '' });
  }
  if (!isGhost && type === 'file') {
    const is =
      algorithm === 'sha256'
        ? entry.sha256
        : algorithm === 'md5'
          ? entry.md5
          : (await digestFiles(root, [entry.path], algorithm))[0];
    if (is === undefined && verifies(looks.digest)) found.push({ kind: 'unreadable' });
    else if (
      (verifies(looks.digest) && file.digest !== '' && is !== file.digest) ||
      (verifies(looks.size) && entry.size !== undefined && entry.size !== file.size)
    )
      found.push({ kind: 'changed', was: file.digest, is: is ?? '' });
  }
  if (entry.type !== 'link' && verifies(looks.mode) && entry.mode !== (file.mode & 0o7777)) {
    found.push({ kind: 'mode', was: octal(file.mode & 0o7777), is: octal(entry.mode) });
  }
  if (shows.owners) {
    const user = names.users.get(entry.uid) ?? String(entry.uid);
    const group = names.groups.get(entry.gid) ?? String(entry.gid);
    const isOther = (verifies(looks.user) && user !== file.user) || (verifies(looks.group) && group !== file.group);
    if (isOther) found.push({ kind: 'owner', was: `${file.user}:${file.group}`, is: `${user}:${group}` });
  }
  if (shows.capabilities && !isGhost && type === 'file' && verifies(looks.capabilities)) {
    const wanted = parseCapabilities(file.capabilities);
    const is = entry.capability === undefined ? undefined : decodeCapabilities(entry.capability);
    if (!sameCapabilities(wanted, is)) {
      found.push({ kind: 'capability', was: file.capabilities || 'none', is: entry.capability ?? 'none' });
    }
  }
  return found;
}

interface Names {
  readonly users: ReadonlyMap<number, string>;
  readonly groups: ReadonlyMap<number, string>;
}

async function readNames(root: Root): Promise<Names> {
  const parse = (text: string | undefined) => {
    const found = new Map([[0, 'root']]);
    for (const line of (text ?? '').split('\n')) {
      const [name = '', , id = ''] = line.split(':');
      if (/^[0-9]{1,10}$/.test(id) && !found.has(Number(id))) found.set(Number(id), name);
    }
    return found;
  };
  return { users: parse(await readText(root, '/etc/passwd')), groups: parse(await readText(root, '/etc/group')) };
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
