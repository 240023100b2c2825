import type { AptOrigin, AptSource } from '../spec.ts';
import type { Index } from './lists.ts';

/** A source of the spec, and the indices that are its. */
export interface NamedSource {
  readonly source: AptSource;
  readonly indices: readonly Index[];
}

/**
 * Groups indices as a person would: one source for what has one address, label and components, with all its suites.
 * Its name is its label's, or else its origin's or its host's; the second of a name gets a number.
 */
export function nameSources(indices: readonly Index[]): {
  readonly named: readonly NamedSource[];
  readonly origins: ReadonlyMap<Index, { readonly key: string; readonly origin: AptOrigin }>;
} {
  const suites = Map.groupBy(indices, ({ entry }) => `${entry.uri}\n${entry.suite}`);
  const groups = Map.groupBy(suites.values(), (suite) => {
    const { entry, release } = suite[0] as Index;
    const components = suite.map(({ component }) => component ?? '');
    return JSON.stringify([entry.uri, release?.label, components]);
  });
  const taken = new Set<string>();
  const origins = new Map<Index, { key: string; origin: AptOrigin }>();
  const named = [...groups.values()].map((group): NamedSource => {
    const all = group.flat();
    const first = all[0] as Index;
    const name = freeName(slug(first), taken);
    for (const index of all) origins.set(index, toOrigin(index, name));
    const components = [...new Set(all.flatMap(({ component }) => component ?? []))];
    const signedBy = fingerprints(all);
    const label = first.release?.label;
    return {
      indices: all,
      source: {
        name,
        uri: first.entry.uri,
        suites: group.map((suite) => (suite[0] as Index).entry.suite),
        ...(components.length === 0 ? {} : { components }),
        ...(label === undefined ? {} : { label }),
        ...signedBy,
      },
    };
  });
  return { named, origins };
}

/** The keys that all indices together are signed by; one alone is written as a text. */
function fingerprints(indices: readonly Index[]): Pick<AptSource, 'signed-by'> {
  const all = [...new Set(indices.flatMap(({ signedBy }) => signedBy))].sort();
  const [only] = all;
  if (only === undefined) return {};
  return { 'signed-by': all.length === 1 ? only : all };
}

/** What the lock says of an index: the key that packages name it by, and its facts. `source` is its source's name. */
export function toOrigin(index: Index, source: string): { key: string; origin: AptOrigin } {
  const { entry, component, release } = index;
  const suite = entry.suite.replaceAll(/^[./]+|\/+$/g, '');
  const key = [source, suite, component ?? ''].filter((part) => part !== '').join('/');
  const text = <K extends 'origin' | 'label' | 'suite' | 'codename' | 'version' | 'date'>(name: K) =>
    release?.[name] === undefined ? {} : { [name]: release[name] };
  return {
    key,
    origin: {
      source,
      uri: entry.uri,
      dist: entry.suite,
      ...(component === undefined ? {} : { component }),
      ...text('origin'),
      ...text('label'),
      ...text('suite'),
      ...text('codename'),
      ...text('version'),
      ...text('date'),
      ...(release?.notAutomatic === true ? { 'not-automatic': true } : {}),
      ...(release?.butAutomaticUpgrades === true ? { 'but-automatic-upgrades': true } : {}),
      ...fingerprints([index]),
    },
  };
}

function slug({ release, entry }: Index): string {
  const host = URL.parse(entry.uri)?.hostname;
  for (const text of [release?.label, release?.origin, host]) {
    const name = (text ?? '')
      .toLowerCase()
      .replaceAll(/[^a-z0-9.]+/g, '-')
      .replaceAll(/^[-.]+|[-.]+$/g, '')
      .slice(0, 40);
    if (name !== '') return name;
  }
  return 'source';
}

function freeName(name: string, taken: Set<string>): string {
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${name}-${number}`;
  taken.add(free);
  return free;
}
