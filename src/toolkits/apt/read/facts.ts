import type { Note } from '../../../model/index.ts';
import type { Root } from '../../../contract/index.ts';
import type { AptOrigin } from '../spec.ts';
import type { Database } from './database.ts';
import { inflate, listEndings } from './inflate.ts';
import { findCertificates, type Keys } from './keys.ts';
import { scanIndex, type Index, type Offer } from './lists.ts';
import { nameSources, type NamedSource } from './name-sources.ts';
import { isBy } from './openpgp.ts';
import { listFolder, readFolder } from './reader.ts';
import { parseRelease, type Release } from './release.ts';
import { listName, readSources, type Entry } from './sources.ts';

/** What apt knew of installed packages at the time of the trace. */
export interface AptFacts {
  /** The native architecture. */
  readonly native: string | undefined;
  /** In apt's order. */
  readonly indices: readonly Index[];
  readonly sources: readonly NamedSource[];
  /** By index: what `from` in the lock says, and its facts. */
  readonly origins: ReadonlyMap<Index, { readonly key: string; readonly origin: AptOrigin }>;
  /** By package name, in the order of the indices. */
  readonly offers: ReadonlyMap<string, readonly { readonly offer: Offer; readonly index: Index }[]>;
  readonly keys: Keys;
  readonly notes: readonly Note[];
}

const listsFolder = '/var/lib/apt/lists';

const cache = new WeakMap<Database, Promise<AptFacts>>();

/** Reads apt's sources, lists and keys, once for each state of the database. */
export async function readFacts(root: Root, database: Database): Promise<AptFacts> {
  const held = cache.get(database);
  if (held !== undefined) return held;
  const made = load(root, database);
  cache.set(database, made);
  return made;
}

async function load(root: Root, database: Database): Promise<AptFacts> {
  const notes: Note[] = [];
  const names = new Set(await listFolder(root, listsFolder));
  const keys = findCertificates(root);
  const indices: Index[] = [];
  const seen = new Set<string>();
  for (const entry of await readSources(root)) {
    if (!/^https?:/.test(entry.uri)) continue; // a medium or a folder of this machine: nobody else has it
    const base = entry.suite.endsWith('/') ? flatBase(entry) : `${entry.listed}/dists/${entry.suite}`;
    const release = await readRelease(root, listName(base), names);
    const known = release === undefined ? [] : await keys.of(entry.signedBy);
    const signedBy = known
      .filter((one) => release?.issuers.some((issuer) => isBy(one, issuer)))
      .map(({ fingerprint }) => fingerprint);
    for (const component of entry.components.length === 0 ? [undefined] : entry.components) {
      const offers: Offer[] = [];
      let found = false;
      for (const name of indexNames(base, component, entry, database.architectures)) {
        const file = listEndings.map((ending) => name + ending).find((one) => names.has(one));
        if (file === undefined || seen.has(file)) continue;
        seen.add(file);
        found = true;
        offers.push(...(await readIndex(root, file, database, notes)));
      }
      if (found) indices.push({ entry, component, release, signedBy: [...new Set(signedBy)].sort(), offers });
    }
  }
  const sources = nameSources(indices);
  const offers = new Map<string, { offer: Offer; index: Index }[]>();
  for (const index of indices) {
    for (const offer of index.offers) {
      const there = offers.get(offer.name);
      if (there === undefined) offers.set(offer.name, [{ offer, index }]);
      else there.push({ offer, index });
    }
  }
  const native = database.architectures[0];
  return { native, indices, sources: sources.named, origins: sources.origins, offers, keys, notes };
}

/** apt joins a flat repository's folder to the address as it stands, `./` included. */
function flatBase({ listed, suite }: Entry): string {
  return suite === '/' ? listed : `${listed}/${suite.replace(/\/+$/, '')}`;
}

function indexNames(
  base: string,
  component: string | undefined,
  { architectures }: Entry,
  native: readonly string[],
): string[] {
  if (component === undefined) return [listName(`${base}/Packages`)];
  const wanted = architectures.length === 0 ? native : native.filter((name) => architectures.includes(name));
  return [...wanted, 'all'].map((architecture) => listName(`${base}/${component}/binary-${architecture}/Packages`));
}

async function readRelease(root: Root, name: string, names: ReadonlySet<string>): Promise<Release | undefined> {
  const wanted = [`${name}_InRelease`, `${name}_Release`, `${name}_Release.gpg`].map((one) =>
    names.has(one) ? one : '',
  );
  const present = wanted.filter((one) => one !== '');
  const reads = await readFolder(root, listsFolder, present);
  const content = (ending: string) => {
    const read = reads[present.indexOf(`${name}_${ending}`)];
    return read !== undefined && 'content' in read ? read.content : undefined;
  };
  const inline = content('InRelease');
  if (inline !== undefined) return parseRelease(inline);
  const plain = content('Release');
  return plain === undefined ? undefined : parseRelease(plain, content('Release.gpg') ?? Buffer.alloc(0));
}

async function readIndex(root: Root, file: string, database: Database, notes: Note[]): Promise<Offer[]> {
  const path = `${listsFolder}/${file}`;
  const [read] = await readFolder(root, listsFolder, [file]);
  try {
    if (read === undefined || !('content' in read)) throw new Error(read?.code ?? 'ENOENT');
    return scanIndex(await inflate(read.content), database.byName);
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    notes.push({ kind: 'unreadable', text: `a list of apt's can't be read: ${because}`, path });
    return [];
  }
}
