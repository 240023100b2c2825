import { byBytes, isWithin, type Difference, type Entry } from '../../../model/index.ts';
import type { Checked, Context, Root } from '../../../contract/index.ts';
import type { PackageChange } from '../../trees/package-changes.ts';
import type { AptLock } from '../spec.ts';
import { readAttribution, type Attribution } from './attribution.ts';
import { readSums } from './sums.ts';

/** Below these, what is nobody's is named. */
const watched = ['/usr', '/etc', '/opt'];

interface Expected {
  readonly md5: string;
  readonly owner: string;
}

/**
 * Every file of the installed packages against its package's own md5 (configuration files against the one in dpkg's
 * status), or against what the lock says of it where it had been changed; and what nobody owns, but for what is
 * `planned`: paths that our own plan writes. One walk.
 */
export async function check(
  lock: AptLock,
  root: Root,
  planned: ReadonlySet<string>,
  context: Context,
): Promise<Checked> {
  const attribution = await readAttribution(root);
  const expected = await expectations(root, attribution);
  const changed = new Map((lock.changed ?? []).map((change) => [change.path, change]));
  const paths = [...changed.keys()];
  const digests = await root.digest(paths, 'sha256');
  const now = new Map(paths.map((path, index) => [path, digests[index]]));
  const differing: Difference[] = [];
  const explained: Difference[] = [];
  const seen = new Set<string>();
  let checked = 0;
  const look = (entry: Entry) => {
    const wanted = expected.get(entry.path);
    const change = changed.get(entry.path);
    if (wanted === undefined && change === undefined) {
      const isFile = entry.type === 'file' || entry.type === 'link';
      if (isFile && watched.some((folder) => isWithin(entry.path, folder))) {
        const isKnown = attribution.ownersOf(entry.path) !== undefined || planned.has(entry.path);
        if (!isKnown) differing.push({ path: entry.path, kind: 'unknown' });
      }
      return;
    }
    seen.add(entry.path);
    checked++;
    const difference = compare(entry, wanted, change, now.get(entry.path));
    if (difference !== undefined) differing.push(difference);
  };
  const options = { digests: ['md5'] as const, signal: context.signal };
  for await (const entry of root.scan({ ...options, below: watched })) look(entry);
  const elsewhere = [...new Set([...expected.keys(), ...changed.keys()])].filter(
    (path) => !watched.some((folder) => isWithin(path, folder)),
  );
  if (elsewhere.length > 0) {
    for await (const entry of root.scan({ ...options, below: elsewhere.sort(byBytes) })) look(entry);
  }
  for (const [path, { owner }] of expected) {
    if (seen.has(path)) continue;
    const change = changed.get(path);
    checked++;
    if (change?.removed === true) explained.push(missing(path, owner, 'it was removed on the traced system, too'));
    else differing.push(missing(path, owner));
  }
  const order = (a: Difference, b: Difference) => byBytes(a.path, b.path);
  return { checked, differing: differing.sort(order), explained: explained.sort(order) };
}

async function expectations(root: Root, attribution: Attribution): Promise<Map<string, Expected>> {
  const { database } = attribution;
  const sums = await readSums(root, database.packages);
  const expected = new Map<string, Expected>();
  for (const one of database.packages) {
    const owner = `${one.name} ${one.version}`;
    const entries = new Map(attribution.entriesOf(one.key).map(({ listed, path }) => [listed, path]));
    const expect = (listed: string, md5: string) => {
      // what the list does not have was not unpacked: a repacked package has what was installed
      const path = entries.get(listed);
      if (path !== undefined) expected.set(path, { md5, owner });
    };
    for (const [listed, md5] of sums.get(one.key)?.md5 ?? []) expect(listed, md5);
    for (const { path, md5, obsolete } of one.conffiles) if (!obsolete && md5 !== 'newconffile') expect(path, md5);
  }
  return expected;
}

function compare(
  entry: Entry,
  wanted: Expected | undefined,
  change: PackageChange | undefined,
  sha256: string | undefined,
): Difference | undefined {
  const { path } = entry;
  const owner = wanted?.owner ?? change?.package;
  const of = owner === undefined ? {} : { owner };
  if (change !== undefined && change.left === undefined) {
    if (change.link !== undefined) return entry.target === change.link ? undefined : { path, kind: 'changed', ...of };
    if (change.removed === true) return { path, kind: 'changed', was: 'removed', is: 'there', ...of };
    if (sha256 !== change.sha256) return { path, kind: 'changed', ...of };
    return undefined;
  }
  if (wanted === undefined) return undefined;
  if (entry.type !== 'file') return { path, kind: 'type', was: 'file', is: entry.type, ...of };
  if (entry.md5 === undefined) return { path, kind: 'unreadable', ...of };
  return entry.md5 === wanted.md5 ? undefined : { path, kind: 'changed', was: wanted.md5, is: entry.md5, ...of };
}

function missing(path: string, owner: string, explained?: string): Difference {
  return { path, kind: 'missing', owner, ...(explained === undefined ? {} : { explained }) };
}
