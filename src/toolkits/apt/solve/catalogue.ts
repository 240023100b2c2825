import { near } from '../../../formats/near.ts';
import { scanIndex, type Offer } from '../read/lists.ts';
import type { ReadIndex } from './read-indices.ts';

/** One version of a package, and an index that offers it. */
export interface Offered {
  readonly offer: Offer;
  readonly index: ReadIndex;
}

/** What indices offer of some names, in the order of the indices. */
export function offersOf(
  names: ReadonlySet<string>,
  indices: readonly ReadIndex[],
): ReadonlyMap<string, readonly Offered[]> {
  const found = new Map<string, Offered[]>();
  for (const index of indices) {
    for (const { content } of index.files) {
      for (const offer of scanIndex(content, names)) {
        const there = found.get(offer.name);
        if (there === undefined) found.set(offer.name, [{ offer, index }]);
        else there.push({ offer, index });
      }
    }
  }
  return found;
}

/** Packages that a root has to have: `Essential: yes`, and `Priority: required`; of the native architecture. */
export interface BaseSet {
  readonly essential: readonly string[];
  readonly required: readonly string[];
}

/** Read from the indices of the release itself: what other repositories call required is their business. */
export function baseSet(release: string | undefined, native: string, indices: readonly ReadIndex[]): BaseSet {
  const own = indices.filter(
    ({ release: of, entry }) =>
      release !== undefined && (of?.codename === release || of?.suite === release || entry.suite === release),
  );
  const essential = new Set<string>();
  const required = new Set<string>();
  for (const { files } of own.length > 0 ? own : indices) {
    for (const { content } of files) {
      for (const name of namesWith(content, '\nEssential: yes\n', native)) essential.add(name);
      for (const name of namesWith(content, '\nPriority: required\n', native)) required.add(name);
    }
  }
  return { essential: [...essential].sort(), required: [...required].filter((name) => !essential.has(name)).sort() };
}

/** The name that was probably meant. */
export function nearName(name: string, indices: readonly ReadIndex[]): string | undefined {
  const names = new Set<string>();
  for (const { files } of indices) {
    for (const { content } of files) for (const [found] of fields(content, 'Package: ')) names.add(found);
  }
  return near(name, [...names].sort());
}

/** Packages that stand for a virtual one. */
export function providersOf(name: string, indices: readonly ReadIndex[]): readonly string[] {
  const providers = new Set<string>();
  for (const { files } of indices) {
    for (const { content } of files) {
      for (const [value, at] of fields(content, 'Provides: ')) {
        const provided = value.split(',').map((one) => /^\s*([^\s:(]+)/.exec(one)?.[1]);
        if (provided.includes(name)) providers.add(paragraphField(content, at, 'Package') ?? '');
      }
    }
  }
  return [...providers].filter((one) => one !== '').sort();
}

function namesWith(content: Buffer, needle: string, native: string): string[] {
  const names: string[] = [];
  for (let at = content.indexOf(needle); at !== -1; at = content.indexOf(needle, at + 1)) {
    const architecture = paragraphField(content, at, 'Architecture');
    const name = paragraphField(content, at, 'Package');
    if (name !== undefined && (architecture === native || architecture === 'all')) names.push(name);
  }
  return names;
}

/** Every value of a field, with where it is. */
function* fields(content: Buffer, needle: string): Generator<readonly [value: string, at: number]> {
  for (let at = content.indexOf(needle); at !== -1; at = content.indexOf(needle, at + needle.length)) {
    if (at > 0 && content[at - 1] !== 10) continue;
    const found = content.indexOf(10, at);
    yield [content.toString('utf8', at + needle.length, found === -1 ? content.length : found).trim(), at];
  }
}

const blank = Buffer.from('\n\n');

function paragraphField(content: Buffer, at: number, name: string): string | undefined {
  const before = content.lastIndexOf(blank, at);
  const after = content.indexOf(blank, at + 1);
  const text = content.toString('utf8', before === -1 ? 0 : before + 2, after === -1 ? content.length : after);
  return new RegExp(`^${name}: *(.*)$`, 'm').exec(text)?.[1]?.trim();
}
