import { byBytes, canonicalJson } from '../../model/index.ts';

/** Says that two things do not go together: where, and both. */
export type OnConflict = (where: string, held: string, added: string) => void;

type Members = Readonly<Record<string, unknown>>;

/**
 * Two values of one place in one: what is equal stays, maps and lists are united, and what can't be is reported; the
 * held one stays then. Rows of a list are the same thing where what names them is equal.
 */
export function unite(held: unknown, added: unknown, where: string, onConflict: OnConflict): unknown {
  if (added === undefined || same(held, added)) return held;
  if (held === undefined) return added;
  if (Array.isArray(held) && Array.isArray(added)) return uniteLists(held, added, where, onConflict);
  if (isMembers(held) && isMembers(added) && held['sha256'] === undefined) {
    const keys = [...new Set([...Object.keys(held), ...Object.keys(added)])];
    return Object.fromEntries(keys.map((key) => [key, unite(held[key], added[key], `${where} ${key}`, onConflict)]));
  }
  onConflict(where, shown(held), shown(added));
  return held;
}

function uniteLists(
  held: readonly unknown[],
  added: readonly unknown[],
  where: string,
  onConflict: OnConflict,
): readonly unknown[] {
  // where names come twice (what modules prepend to one list), only what is equal is the same thing
  const isNamed = [held, added].every((list) => new Set(list.map(nameOf)).size === list.length);
  const placeOf = isNamed ? nameOf : canonicalJson;
  const result = [...held];
  const places = new Map(held.map((one, index) => [placeOf(one), index]));
  for (const one of added) {
    const name = placeOf(one);
    const at = places.get(name);
    if (at === undefined) places.set(name, result.push(one) - 1);
    else if (!same(result[at], one)) result[at] = uniteItems(result[at], one, `${where} ${name}`, onConflict);
  }
  const sorted = (list: readonly unknown[]) =>
    list.every((one, index) => index === 0 || byBytes(nameOf(list[index - 1]), nameOf(one)) <= 0);
  return sorted(held) && sorted(added) ? result.toSorted((a, b) => byBytes(nameOf(a), nameOf(b))) : result;
}

/** How much a package is needed is no conflict: the stronger reason stays. */
const reasons = ['used', 'manual', 'requested', 'required', 'essential'];

function uniteItems(held: unknown, added: unknown, where: string, onConflict: OnConflict): unknown {
  if (typeof held === 'string' && typeof added === 'string') {
    // a wish for any version, and one for this: both are had by this
    if (held === stemOf(held)) return added;
    if (added === stemOf(added)) return held;
    onConflict(where, held, added);
    return held;
  }
  if (!isMembers(held) || !isMembers(added) || (held['version'] ?? held['sha256']) === undefined) {
    return unite(held, added, where, onConflict);
  }
  const { version: was, sha256: of } = held;
  const { version: is, sha256: other } = added;
  if (was !== is || of !== other) {
    const differs = was === is ? [of, other] : [was, is];
    onConflict(where, shown(differs[0]), shown(differs[1]));
    return held;
  }
  const why = [held['why'], added['why']].filter((reason) => typeof reason === 'string');
  const strongest = reasons.find((reason) => why.includes(reason)) ?? why[0];
  // what else a row says is a fact of the same thing, seen twice
  return { ...added, ...held, ...(strongest === undefined ? {} : { why: strongest }) };
}

/** What makes an item of a list the same thing as another. */
export function nameOf(item: unknown): string {
  if (typeof item === 'string') return stemOf(item);
  if (!isMembers(item)) return canonicalJson(item);
  const names = ['id', 'type', 'name', 'architecture', 'path', 'key'].flatMap((key) => {
    const value = item[key];
    return typeof value === 'string' ? [value] : [];
  });
  return names.length === 0 ? canonicalJson(item) : names.join(' ');
}

/** A package without its version. */
export function stemOf(wish: string): string {
  return wish.startsWith('/') ? wish : (wish.split(/[=<>~! ]/, 1)[0] ?? wish);
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function same(a: unknown, b: unknown): boolean {
  return a !== undefined && b !== undefined && canonicalJson(a) === canonicalJson(b);
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
