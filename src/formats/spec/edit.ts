import type { Digest } from '../../model/index.ts';

type Entry = Readonly<Record<string, unknown>>;
type DigestOfEntry = (entry: never) => Digest;

/**
 * What was edited in an entry since it was locked, in words. All that is left of the old entry is its digest and what
 * was locked: additions are found by leaving things out until the digest is the old one again; else the packages above
 * are held against those below.
 */
export function describeEdit(
  entry: object,
  lock: object & { readonly of: Digest },
  digest: DigestOfEntry,
): readonly string[] {
  const now = entry as Entry;
  const matches = (candidate: Entry): boolean => digest(candidate as never) === lock.of;

  for (const key of Object.keys(now)) if (matches(without(now, key))) return [`${key} is new`];
  for (const [key, value] of Object.entries(now)) {
    if (!Array.isArray(value) || value.length > mostTried) continue;
    for (const [index, item] of value.entries()) {
      const others = value.toSpliced(index, 1) as unknown[];
      const name = typeof item === 'string' ? ` ${item}` : ` ${index + 1}`;
      if (matches({ ...now, [key]: others })) return [`${singular(key)}${name} is new`];
    }
  }
  return comparePackages(now, { ...lock });
}

/** Each try is a digest of the whole entry. */
const mostTried = 500;

function comparePackages(entry: Entry, lock: Entry): readonly string[] {
  const listed = entry['packages'];
  const locked = lock['packages'];
  if (!Array.isArray(listed) || !Array.isArray(locked)) return [];
  const versions = new Map(
    (locked as Entry[]).map((one): [string, string] => [String(one['name']), String(one['version'])]),
  );
  const changed: string[] = [];
  for (const wish of listed as unknown[]) {
    const [, name = '', version] = /^([^\s=<>!~:[;]+)(?::[a-z0-9-]+)?(?:={1,2}([^=].*))?/.exec(String(wish)) ?? [];
    const held = versions.get(name);
    if (held === undefined) changed.push(`package ${name} is new`);
    else if (version !== undefined && version !== held) changed.push(`package ${name} was ${held}, now ${version}`);
  }
  return changed.length > mostNamed
    ? [...changed.slice(0, mostNamed), `and ${changed.length - mostNamed} more`]
    : changed;
}

const mostNamed = 5;

function without(entry: Entry, key: string): Entry {
  return Object.fromEntries(Object.entries(entry).filter(([name]) => name !== key));
}

function singular(key: string): string {
  return key.endsWith('s') ? key.slice(0, -1) : `item of ${key}`;
}
