import { byBytes, canonicalJson } from '../../model/index.ts';
import { nameOf, stemOf } from '../merge/merge-entries.ts';

type Members = Readonly<Record<string, unknown>>;

/**
 * What is held, with what has become of it: the difference of two descriptions, made in the same way before and after,
 * is carried over. What both descriptions say alike stays as it is held, however that says it. Rows of a list are the
 * same where what names them is.
 */
export function carryOver(held: unknown, before: unknown, after: unknown): unknown {
  if (same(before, after)) return held;
  if (held === undefined) return after;
  // packed once more, it has what was changed in it: the first one is what the package was
  if (isRepacked(held) && isRepacked(after) && held['version'] === after['version']) return held;
  if (same(held, before)) return after;
  if (Array.isArray(held) && Array.isArray(after)) {
    return carryList(held, Array.isArray(before) ? before : [], after);
  }
  if (isMembers(held) && isMembers(after) && !isContent(held)) {
    const was = isMembers(before) ? before : {};
    const keys = [...new Set([...Object.keys(held), ...Object.keys(after)])];
    const members = keys.map((key) => [key, carryOver(held[key], was[key], after[key])] as const);
    return Object.fromEntries(members.filter(([, value]) => value !== undefined));
  }
  // a wish for any version is one for this version, too
  if (typeof held === 'string' && typeof after === 'string' && held === stemOf(held) && held === stemOf(after)) {
    return held;
  }
  return after;
}

function carryList(held: readonly unknown[], before: readonly unknown[], after: readonly unknown[]): unknown[] {
  const name = namerFor([held, before, after]);
  const was = new Map(before.map((item) => [name(item), item]));
  const is = new Map(after.map((item) => [name(item), item]));
  const known = new Set(held.map(name));
  const kept = held.flatMap((item) => {
    const now = is.get(name(item));
    // what neither description knows is a word of whoever wrote it
    if (now === undefined) return was.has(name(item)) ? [] : [item];
    return [carryOver(item, was.get(name(item)), now)];
  });
  const fresh = after.filter((item) => !known.has(name(item)) && !same(was.get(name(item)), item));
  const isSorted = held.every((item, index) => index === 0 || byBytes(name(held[index - 1]), name(item)) <= 0);
  return isSorted ? [...kept, ...fresh].toSorted((a, b) => byBytes(name(a), name(b))) : [...kept, ...fresh];
}

/** By name and architecture, where that tells all rows of each list apart: where it comes from may change. */
function namerFor(lists: readonly (readonly unknown[])[]): (item: unknown) => string {
  const short = (item: unknown) => {
    if (!isMembers(item) || typeof item['name'] !== 'string') return nameOf(item);
    const { architecture } = item;
    return typeof architecture === 'string' ? `${item['name']} ${architecture}` : item['name'];
  };
  return lists.every((list) => new Set(list.map(short)).size === list.length) ? short : nameOf;
}

/** Something in the store is that whole, or something else. */
function isContent(value: Members): boolean {
  return typeof value['sha256'] === 'string' && value['name'] === undefined && value['path'] === undefined;
}

/** A package that no archive has, kept as it was installed. */
function isRepacked(value: unknown): value is Members {
  return isMembers(value) && value['repacked'] === true && value['contents'] !== undefined;
}

function same(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return a === b;
  return canonicalJson(a) === canonicalJson(b);
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
