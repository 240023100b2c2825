import { byBytes, type Note } from '../../../model/index.ts';
import type { Root, TraceContext } from '../../../contract/index.ts';
import type { AptPackage, Why } from '../spec.ts';
import { readAccounts } from './accounts.ts';
import type { Attribution } from './attribution.ts';
import type { DpkgPackage } from './database.ts';
import type { AptFacts } from './facts.ts';
import { keepPackage } from './keep.ts';
import type { Index, Offer } from './lists.ts';
import type { Sums } from './sums.ts';

export interface LockedPackages {
  /** Sorted by name and architecture. */
  readonly packages: readonly AptPackage[];
  /** Keys in `origins` that they name. */
  readonly from: ReadonlySet<string>;
  readonly notes: readonly Note[];
}

interface Found {
  readonly offer: Offer;
  readonly index: Index;
}

/** What the lock says of each package; what no list offers is kept now, for only this machine has it. */
export async function lockPackages(
  root: Root,
  closure: ReadonlyMap<string, Why>,
  attribution: Attribution,
  facts: AptFacts,
  sums: ReadonlyMap<string, Sums>,
  context: TraceContext,
): Promise<LockedPackages> {
  const { database } = attribution;
  const accounts = await readAccounts(root);
  const packages: AptPackage[] = [];
  const from = new Set<string>();
  const notes: Note[] = [];
  const keyOf = (index: Index) => {
    const key = facts.origins.get(index)?.key ?? '';
    from.add(key);
    return key;
  };
  let done = 0;
  for (const one of database.packages) {
    const why = closure.get(one.key);
    if (why === undefined) continue;
    context.signal.throwIfAborted();
    const offers = offersOf(one, facts);
    const same = exactOffers(one, offers);
    const [best] = same;
    const others = offers
      .filter(({ offer }) => offer.version !== one.version)
      .map(({ offer, index }) => ({ version: offer.version, from: keyOf(index) }));
    const marks = {
      why,
      ...(database.manual.has(one.key) ? { manual: true } : {}),
      ...(one.hold ? { hold: true } : {}),
      ...(others.length > 0 ? { offered: others } : {}),
    };
    if (best !== undefined) {
      const also = same.slice(1).map(({ index }) => keyOf(index));
      packages.push({
        ...identity(one),
        from: keyOf(best.index),
        ...(also.length > 0 ? { also } : {}),
        path: best.offer.path,
        size: best.offer.size,
        sha256: best.offer.sha256,
        ...marks,
      });
      continue;
    }
    context.onProgress({ step: 'trace', what: `keeping ${one.name}`, done: done++, unit: 'packages' });
    const kept = await keepPackage(root, one, sums.get(one.key) as Sums, attribution, accounts, context);
    notes.push(...kept.notes);
    if (facts.indices.length > 0) notes.push(gone(one, kept.repacked));
    packages.push({
      ...identity(one),
      ...(kept.repacked ? { repacked: true } : {}),
      ...(kept.contents === undefined ? {} : { contents: kept.contents }),
      ...(kept.partial ? { partial: true } : {}),
      size: kept.size,
      sha256: kept.sha256,
      ...marks,
    });
  }
  if (facts.indices.length === 0 && packages.length > 0) notes.push(noLists(packages.length));
  packages.sort((a, b) => byBytes(a.name, b.name) || byBytes(a.architecture, b.architecture));
  return { packages, from, notes };
}

function offersOf(one: DpkgPackage, facts: AptFacts): readonly Found[] {
  // what is `all` may become an architecture's own in another version, and the other way round
  const fits = (architecture: string) =>
    architecture === one.architecture ||
    architecture === 'all' ||
    (one.architecture === 'all' && architecture === facts.native);
  return (facts.offers.get(one.name) ?? []).filter(({ offer }) => fits(offer.architecture));
}

/** Those of this version; where repositories have different packages of one version, the one that is installed. */
function exactOffers(one: DpkgPackage, offers: readonly Found[]): readonly Found[] {
  const same = offers.filter(({ offer }) => offer.version === one.version && offer.architecture === one.architecture);
  if (new Set(same.map(({ offer }) => offer.sha256)).size < 2) return same;
  const score = ({ offer }: Found) =>
    Number(offer.depends === one.fields.get('depends')) +
    Number(offer.installedSize === one.fields.get('installed-size'));
  const [best] = same.toSorted((a, b) => score(b) - score(a));
  return same.filter(({ offer }) => offer.sha256 === best?.offer.sha256);
}

function identity({ name, version, architecture, source, sourceVersion }: DpkgPackage) {
  return {
    name,
    version,
    architecture,
    ...(source === name ? {} : { source }),
    ...(sourceVersion === version ? {} : { 'source-version': sourceVersion }),
  };
}

function gone(one: DpkgPackage, repacked: boolean): Note {
  const kept = repacked ? 'kept as it is installed' : "kept from apt's cache";
  return { kind: 'gone', text: `${one.name} ${one.version} is in no list of apt's: ${kept}`, about: one.key };
}

function noLists(count: number): Note {
  const text = `${count} packages, as apt has no lists here that say where they come from (apt-get update, before tracing, helps)`;
  return { kind: 'gone', text };
}
