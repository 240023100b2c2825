import type { CreateContext, Trust } from '../../../contract/index.ts';
import { byBytes, UserError } from '../../../model/index.ts';
import { localRoot } from '../../../roots/local.ts';
import { foundAs } from '../lay/recognise.ts';
import { broughtKeys, readMachineKeys } from '../read/keyrings.ts';
import { readSources } from '../read/sources.ts';
import { packageKey, type AptLock, type AptPackage, type AptSpec } from '../spec.ts';
import { findInLists, type Search } from './find-in-lists.ts';
import { placesOf } from './places.ts';
import { fetchRelease, ownRelease, suiteAddress, type ReleaseFile } from './release.ts';
import { verifySigned } from './signature.ts';
import { rememberVouched, type Vouched, type Voucher } from './vouched.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

/** Archives are asked for so long; what they have not said by then they do not vouch for. */
const patience = 90_000;

/**
 * Who vouches for the locked packages. A hash in a file proves nothing by itself, nor does a fingerprint: a list counts
 * that has that very hash, from a Release file whose signature was verified just now, by a key that this machine trusts
 * or that the file brings. First the lists that this machine's apt has; for the rest those of where the packages came
 * from: a mirror, the recorded address, the snapshot service at that time.
 */
export async function trust(spec: AptSpec, lock: AptLock, context: CreateContext): Promise<Trust> {
  const machine = readMachineKeys(spec.type, context);
  const trusted = await machine.trusted();
  const prints = new Set(trusted.map(({ fingerprint }) => fingerprint));
  const brought = (await broughtKeys(lock, undefined, context.store)).filter((one) => !prints.has(one.fingerprint));
  const packages = await Promise.all(
    lock.packages.map(async (one) => ({ one, sha256: (await foundAs(one, context.store)).sha256 })),
  );
  const memory = await rememberVouched(trusted, brought, context);
  const open = new Map<string, AptPackage>();
  for (const { one, sha256 } of packages) {
    const repacked = one.repacked === true && sha256 === one.sha256;
    if (!repacked && !memory.known.has(sha256) && !memory.unknown.has(sha256)) open.set(sha256, one);
  }
  let because: string | undefined;
  if (open.size > 0) {
    await using workshop = await openWorkshop(context);
    const search: Search = { open, lock, context };
    const keys = { trusted, brought, of: machine.of };
    because = (await searchOwn(search, keys, memory, workshop)) ?? (await searchPlaces(search, keys, memory, workshop));
    // what could not be asked is asked the next time
    if (because === undefined) for (const sha256 of open.keys()) memory.unknown.add(sha256);
    await memory.save();
  }
  const by = (voucher: Voucher) => packages.filter(({ sha256 }) => memory.known.get(sha256) === voucher).length;
  const nobody = packages.filter(({ sha256 }) => !memory.known.has(sha256)).map(({ one }) => one);
  const why = nobody.length === 0 ? undefined : reason(nobody, because);
  return {
    packages: packages.length,
    byMachine: by('machine'),
    byBundle: by('bundle'),
    byNobody: nobody.map(packageKey).sort(byBytes),
    ...(why === undefined ? {} : { because: why }),
  };
}

interface KeySets extends Pick<ReturnType<typeof readMachineKeys>, 'of'> {
  readonly trusted: Awaited<ReturnType<ReturnType<typeof readMachineKeys>['trusted']>>;
  readonly brought: KeySets['trusted'];
}

const noVerifier = 'nothing here can verify signatures: install gpgv';

/** By what this machine's apt has fetched; each source by its own keys, as apt does it. Says why where nothing can be verified. */
async function searchOwn(
  search: Search,
  keys: KeySets,
  memory: Vouched,
  workshop: Workshop,
): Promise<string | undefined> {
  await using root = localRoot();
  for (const entry of await readSources(root)) {
    if (search.open.size === 0) return undefined;
    const release = await ownRelease(entry);
    if (release === undefined) continue;
    const verified = await verifySigned(release, await keys.of(entry), workshop);
    if (verified === undefined) return noVerifier;
    if (verified.good.length === 0) continue;
    const listed = suiteAddress({ uri: entry.listed, suite: entry.suite });
    const components = entry.components.length === 0 ? [undefined] : entry.components;
    for (const component of components) {
      const found = await findInLists(release, component, [], search, { listed, offline: true });
      take(found, 'machine', search, memory);
    }
  }
  return undefined;
}

/** By what the archives say that the packages came from. */
async function searchPlaces(
  search: Search,
  keys: KeySets,
  memory: Vouched,
  workshop: Workshop,
): Promise<string | undefined> {
  const timeout = AbortSignal.timeout(patience);
  const { signal } = search.context;
  const limited: Search = { ...search, context: { ...search.context, signal: AbortSignal.any([signal, timeout]) } };
  let because: string | undefined;
  for (const { address, component, keysOf } of await placesOf(limited)) {
    const waiting = keysOf();
    if (waiting.length === 0) continue;
    search.context.onProgress({ step: 'trust', what: `asking ${address}` });
    try {
      const release = await fetchRelease(address, limited.context.signal);
      const voucher = await voucherOf(release, keys, workshop);
      if (voucher === 'none here') return noVerifier;
      if (voucher === undefined) continue;
      take(await findInLists(release, component, [address], limited), voucher, search, memory);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof UserError) && !timeout.aborted) throw error;
      because = 'not every archive could be asked';
    }
  }
  return search.open.size === 0 ? undefined : because;
}

async function voucherOf(
  release: ReleaseFile,
  { trusted, brought }: KeySets,
  workshop: Workshop,
): Promise<Voucher | 'none here' | undefined> {
  const verified = await verifySigned(release, [...trusted, ...brought], workshop);
  if (verified === undefined) return 'none here';
  if (trusted.some(({ fingerprint }) => verified.good.includes(fingerprint))) return 'machine';
  return verified.good.length > 0 ? 'bundle' : undefined;
}

function take(found: readonly string[], voucher: Voucher, { open }: Search, { known }: Vouched): void {
  for (const sha256 of found) {
    known.set(sha256, voucher);
    open.delete(sha256);
  }
}

function reason(nobody: readonly AptPackage[], because: string | undefined): string {
  const repacked = nobody.filter((one) => one.repacked === true).length;
  if (repacked === nobody.length) return 'repacked';
  const others = because ?? 'in no signed list';
  return repacked === 0 ? others : `${repacked} repacked; ${others}`;
}
