import { byBytes, sha256, UserError, type ContentRef } from '../../../model/index.ts';
import type { Store } from '../../../contract/index.ts';
import type { PackageWish } from '../names.ts';
import type { Certificate } from '../read/openpgp.ts';
import { packageKey, type AptLock, type AptOrigin, type AptPackage, type AptSpec } from '../spec.ts';
import type { BaseSet, Offered } from './catalogue.ts';
import type { ReadIndex } from './read-indices.ts';
import type { Solved } from './solve.ts';

/** What is known when apt has answered. */
export interface Answer {
  readonly spec: AptSpec;
  /** The native architecture first. */
  readonly architectures: readonly string[];
  readonly solved: readonly Solved[];
  readonly offers: ReadonlyMap<string, readonly Offered[]>;
  readonly origins: ReadonlyMap<ReadIndex, { readonly key: string; readonly origin: AptOrigin }>;
  readonly base: BaseSet;
  readonly wishes: readonly PackageWish[];
  readonly held: AptLock | undefined;
}

/** The lock's packages, sorted, and the origins that they name. */
export function toPackages(answer: Answer): {
  readonly packages: readonly AptPackage[];
  readonly origins: Readonly<Record<string, AptOrigin>>;
} {
  const named = new Set<string>();
  const keyOf = ({ index }: Offered) => {
    const key = answer.origins.get(index)?.key ?? '';
    named.add(key);
    return key;
  };
  const packages = answer.solved
    .map((one) => toPackage(one, answer, keyOf))
    .sort((a, b) => byBytes(a.name, b.name) || byBytes(a.architecture, b.architecture));
  const origins = [...answer.origins.values()]
    .filter(({ key }) => named.has(key))
    .map(({ key, origin }) => [key, origin] as const)
    .sort(([a], [b]) => byBytes(a, b));
  for (const [key, origin] of Object.entries(answer.held?.origins ?? {})) {
    const stays = packages.some(({ from, also }) => from === key || also?.includes(key) === true);
    if (stays && !named.has(key)) origins.push([key, origin]);
  }
  return { packages, origins: Object.fromEntries(origins.sort(([a], [b]) => byBytes(a, b))) };
}

/** The keys that the sources are signed by, each in the store. */
export async function storeKeys(
  certificates: readonly Certificate[],
  store: Store,
): Promise<Readonly<Record<string, ContentRef>>> {
  const keys: Record<string, ContentRef> = {};
  for (const { fingerprint, bytes } of certificates.toSorted((a, b) => byBytes(a.fingerprint, b.fingerprint))) {
    const ref = { sha256: sha256(bytes), size: bytes.length };
    if (keys[fingerprint] === undefined)
      keys[fingerprint] = (await store.find(ref.sha256)) ? ref : await store.add(bytes);
  }
  return keys;
}

function toPackage(one: Solved, answer: Answer, keyOf: (offered: Offered) => string): AptPackage {
  const native = answer.architectures[0] ?? '';
  const offers = (answer.offers.get(one.name) ?? []).filter(({ offer }) =>
    [one.architecture, 'all', ...(one.architecture === 'all' ? [native] : [])].includes(offer.architecture),
  );
  const others = offers
    .filter(({ offer }) => offer.version !== one.version)
    .map((offered) => ({ version: offered.offer.version, from: keyOf(offered) }));
  const held = answer.held?.packages.find((other) => packageKey(other) === packageKey(one));
  const marks = {
    ...marksOf(one, held, answer),
    ...(others.length > 0 ? { offered: others } : {}),
  };
  const [best, ...rest] = offers.filter(({ offer }) => offer.sha256 === one.sha256);
  if (best === undefined) {
    if (held?.sha256 !== one.sha256) throw new UserError(`${one.name} ${one.version} is in no list that was read`);
    const { why: _why, manual: _manual, hold: _hold, offered: _offered, ...kept } = held;
    return { ...kept, ...marks };
  }
  const also = rest.map(keyOf).filter((key) => key !== '');
  return {
    name: one.name,
    version: one.version,
    architecture: one.architecture,
    ...sourceOf(best, one),
    from: keyOf(best),
    ...(also.length > 0 ? { also } : {}),
    path: best.offer.path,
    size: best.offer.size,
    sha256: best.offer.sha256,
    ...marks,
  };
}

function sourceOf({ offer }: Offered, { name, version }: Solved): Pick<AptPackage, 'source' | 'source-version'> {
  const [, source, sourceVersion] = /^(\S+)(?:\s+\(([^)]+)\))?$/.exec(offer.source ?? '') ?? [];
  return {
    ...(source === undefined || source === name ? {} : { source }),
    ...(sourceVersion === undefined || sourceVersion === version ? {} : { 'source-version': sourceVersion }),
  };
}

function marksOf(
  one: Solved,
  held: AptPackage | undefined,
  { wishes, base, spec, architectures }: Answer,
): Pick<AptPackage, 'why' | 'manual' | 'hold'> {
  const native = architectures[0];
  const isMeant = ({ name, architecture }: Pick<PackageWish, 'name' | 'architecture'>) =>
    name === one.name && [architecture ?? native, 'all'].includes(one.architecture);
  const wished = wishes.some(isMeant);
  const basic = base.essential.includes(one.name) || base.required.includes(one.name);
  const listed = held?.why === 'used' ? 'used' : 'manual';
  const why = wished ? listed : basic ? 'essential' : 'required';
  const manual = held === undefined ? wished : held.manual === true;
  const hold = (spec.holds ?? []).some((text) => {
    const [name = '', architecture] = text.split(':');
    return isMeant(architecture === undefined ? { name } : { name, architecture });
  });
  return { why, ...(manual ? { manual } : {}), ...(hold ? { hold } : {}) };
}
