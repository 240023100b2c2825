import type { CreateContext } from '../../../contract/index.ts';
import { UserError } from '../../../model/index.ts';
import { readMirrors } from '../lay/mirrors.ts';
import { nativeArchitecture } from '../lay/bootstrap.ts';
import { isInForce } from '../read/preferences.ts';
import { nameSources, toOrigin } from '../read/name-sources.ts';
import { isPackageName } from '../names.ts';
import type { AptLock, AptOrigin, AptPackage, AptPin, AptSource, AptSpec } from '../spec.ts';
import { sourcesFor, type AskedSources } from './asked.ts';
import { baseSet, offersOf, type BaseSet } from './catalogue.ts';
import { findHeld } from './held.ts';
import { stillServing } from './still-serving.ts';
import { readMachineKeys } from '../read/keyrings.ts';
import { readIndices, type ReadIndex } from './read-indices.ts';
import { requestsFor, wishesOf } from './requests.ts';
import { makeScratch, pinStanza } from './scratch.ts';
import { priorityPins } from './priorities.ts';
import { solve } from './solve.ts';
import { storeKeys, toPackages } from './to-lock.ts';
import { openWorkshop } from './workshop.ts';

/**
 * A wish to a lock, by apt's own solver on an empty system: the base that every root needs (what is essential or
 * required, and apt), the listed packages, and what these depend on. What is held and still satisfies stays.
 */
export async function resolve(
  wish: AptSpec,
  held: AptLock | undefined,
  context: CreateContext,
  renew: true | readonly string[],
): Promise<Omit<AptLock, 'of'>> {
  const machine = readMachineKeys(wish.type, context);
  const wishes = wishesOf(wish);
  const architectures = architecturesOf(wish, held);
  const native = architectures[0] ?? '';
  const sources = await sourcesFor(wish, held, machine, context, renew === true);
  await using workshop = await openWorkshop(context);
  const { indices, left } = await readIndices(sources.asked, architectures, await readMirrors(), workshop, context);
  const named = nameAll(wish, sources, indices);
  const base = baseOf(wish, held, native, indices);
  const names = [...wishes, ...(held?.packages ?? [])].map(({ name }) => name);
  const known = offersOf(new Set(names), indices);
  const staying = await findHeld(wish, held, renew, wishes, known, context);
  const scratch = makeScratch(workshop, {
    architectures,
    indices,
    held: staying.paragraphs,
    recommends: wish.recommends === true,
  });
  const preferences = [...priorityPins(named.sources, [...named.origins.values()]), ...(wish.pins ?? [])];
  context.onProgress({ step: 'resolve', what: `${wishes.length} packages of ${wish.id ?? wish.type}` });
  const requests = (more: readonly string[]) => async (holding: readonly AptPackage[]) => [
    ...more,
    ...base.essential,
    ...base.required,
    ...(await requestsFor(wishes, known, holding, native, indices, scratch)),
  ];
  let solved = await solve(requests([]), staying.packages, preferences, scratch);
  const serving = stillServing(staying, solved, indices);
  if (serving.length > 0) solved = await solve(requests(serving), staying.packages, preferences, scratch);
  const offers = offersOf(new Set(solved.map(({ name }) => name)), indices);
  const { origins } = named;
  const answer = toPackages({ spec: wish, architectures, solved, offers, origins, base, wishes, held });
  const moved = staying.packages.filter(
    (one) =>
      !solved.some(
        ({ name, architecture, version }) =>
          name === one.name && architecture === one.architecture && version === one.version,
      ),
  );
  context.onProgress({
    step: 'resolve',
    finished: `${wish.id ?? wish.type}: ${answer.packages.length} packages`,
    details: [
      ...left.map((suite) => `left out: ${suite}`),
      ...moved.map(({ name, version }) => `not held any more: ${name} ${version}`),
    ],
  });
  const keys = await storeKeys(
    indices.flatMap(({ signers }) => signers),
    context.store,
  );
  const own = new Set(preferences.map(pinStanza));
  const pins = [...preferences, ...otherPins(held, answer).filter((pin) => !own.has(pinStanza(pin)))];
  return {
    architectures,
    packages: answer.packages,
    ...(wish.sources === undefined ? { sources: named.sources } : {}),
    origins: answer.origins,
    ...keptOf(held, answer.packages),
    keys,
    ...(pins.length === 0 ? {} : { preferences: pins }),
  };
}

function architecturesOf(wish: AptSpec, held: AptLock | undefined): readonly string[] {
  const native = wish.architecture ?? held?.architectures?.[0] ?? nativeArchitecture();
  if (native === undefined) {
    throw new UserError(`nothing says for which architecture, and Debian has no name for ${process.arch}`, {
      status: 2,
      hint: 'add "architecture: …"',
    });
  }
  const wished = wishesOf(wish).flatMap(({ architecture }) => architecture ?? []);
  const foreign = new Set([...(wish.architectures ?? []), ...wished.filter((name) => name !== 'all')]);
  foreign.delete(native);
  return [native, ...foreign];
}

/** What belongs to a root: with a lock, what is in it for that reason, for a trace does not take all that is required. */
function baseOf(wish: AptSpec, held: AptLock | undefined, native: string, indices: readonly ReadIndex[]): BaseSet {
  const { essential, required } = baseSet(wish.release, native, indices);
  const there = new Set((held?.packages ?? []).filter(({ why }) => why === 'essential').map(({ name }) => name));
  return {
    essential: [...new Set([...essential, 'apt'])].sort(),
    required: held === undefined ? required : required.filter((name) => there.has(name)),
  };
}

/** The spec's own sources, with the labels that they turn out to have; else names for the machine's. */
function nameAll(
  wish: AptSpec,
  { held }: AskedSources,
  indices: readonly ReadIndex[],
): {
  readonly sources: readonly AptSource[];
  readonly origins: ReadonlyMap<ReadIndex, { readonly key: string; readonly origin: AptOrigin }>;
} {
  const given = wish.sources ?? held;
  if (given === undefined) {
    const { named, origins } = nameSources(indices);
    return { sources: named.map(({ source }) => source), origins: origins as never };
  }
  const origins = new Map(indices.map((index) => [index, toOrigin(index, index.asked.source?.name ?? '')] as const));
  return { sources: given, origins };
}

/** Preferences that a trace found and that move nothing here: the spec does not have them, and apt's own file does. */
function otherPins(held: AptLock | undefined, answer: Pick<AptLock, 'packages' | 'origins'>): readonly AptPin[] {
  const names = new Set(answer.packages.map(({ name }) => name));
  const origins = Object.values(answer.origins ?? {});
  return (held?.preferences ?? []).filter(
    (pin) =>
      !isInForce(pin, origins) || pin.packages.split(' ').every((name) => isPackageName(name) && !names.has(name)),
  );
}

/** What a trace found besides packages stays with the packages that it belongs to. */
function keptOf(
  held: AptLock | undefined,
  packages: AptLock['packages'],
): Pick<AptLock, 'unmerged' | 'alternatives' | 'changed' | 'diversions'> {
  if (held === undefined) return {};
  const { unmerged, alternatives, changed = [], diversions = [] } = held;
  const keys = new Set(packages.map(({ name, architecture }) => `${name}:${architecture}`));
  const names = new Set(packages.map(({ name }) => name));
  const staying = changed.filter((one) => keys.has(one.package));
  const standing = diversions.filter(({ by }) => by === undefined || names.has(by));
  // whose a chosen program is, is not known here: where a package went, so may have its programs
  const allThere = held.packages.every(({ name }) => names.has(name));
  return {
    ...(unmerged === undefined ? {} : { unmerged }),
    ...(alternatives === undefined || !allThere ? {} : { alternatives }),
    ...(staying.length === 0 ? {} : { changed: staying }),
    ...(standing.length === 0 ? {} : { diversions: standing }),
  };
}
