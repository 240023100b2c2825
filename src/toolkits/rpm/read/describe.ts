import { byBytes, isSafeAbsolute, sha256, type ContentRef, type Note } from '../../../model/index.ts';
import type { Description, Owner, Root, TraceContext } from '../../../contract/index.ts';
import { leftNotes, type PackageChange } from '../../trees/package-changes.ts';
import { tags } from '../header.ts';
import { isPackageName } from '../names.ts';
import { vendorOf, type RpmLock, type RpmLocked, type RpmSource, type RpmSpec } from '../spec.ts';
import { readAttribution, type Attribution } from './attribution.ts';
import { compareFiles, keepChanged } from './changed.ts';
import { findClosure } from './closure.ts';
import { readHistory } from './history.ts';
import { lockPackage } from './lock-package.ts';
import { readCached } from './metadata.ts';
import { readModules } from './modules.ts';
import { calledIn, fileFlags, fileStates, mainArchitecture, type RpmPackage } from './package.ts';
import { readOsRelease } from './release.ts';
import { readRepositories, type Repository } from './repositories.ts';

/** What the owned paths say of a system of rpm packages: `used` packages, their closure, and where all of it is had. */
export async function describe(
  type: string,
  title: string,
  owned: ReadonlyMap<string, readonly Owner[]>,
  root: Root,
  context: TraceContext,
): Promise<Description<RpmSpec, RpmLock>> {
  const attribution = await readAttribution(root);
  const { database } = attribution;
  const { folder, format } = database;
  const used = await usedPackages(owned, attribution, root);
  const seeds = context.scope === 'all' ? new Set(database.packages.map(({ key }) => key)) : used;
  if (seeds.size === 0 || folder === undefined || format === undefined) {
    return { distributions: [], notes: [...attribution.notes] };
  }
  const history = await readHistory(root);
  const manual = database.packages.filter((one) => history.of(one).manual === true).map(({ key }) => key);
  const { packages: why } = findClosure(attribution, used, context.scope === 'all' ? manual : []);
  const reasons = new Map(why);
  for (const key of seeds) if (!reasons.has(key)) reasons.set(key, 'required');
  const locked = database.packages.filter(({ key }) => reasons.has(key));
  const os = await readOsRelease(root);
  const architecture = mainArchitecture(database.packages);
  const facts = {
    ...(os.version === undefined ? {} : { release: os.version }),
    ...(architecture === undefined ? {} : { architecture }),
  };
  const repositories = await readRepositories(root, facts);
  const cached = await readCached(root, new Set(locked.map(({ name }) => name)));
  const notes: Note[] = [...attribution.notes, ...history.notes, ...cached.notes];
  const packages: RpmLocked[] = [];
  const changed: PackageChange[] = [];
  const kept = keptPaths(owned, attribution);
  let withoutDocs = false;
  let withDocs = false;
  for (const [index, one] of locked.entries()) {
    context.signal.throwIfAborted();
    context.onProgress({ step: 'trace', what: one.name, done: index, total: locked.length, unit: 'packages' });
    const compared = await compareFiles(root, one, attribution, owned);
    changed.push(...(await keepChanged(root, one, compared, kept.get(one.key) ?? [], owned, context)));
    const documents = compared.files.filter(({ flags }) => (flags & fileFlags.documentation) !== 0);
    withoutDocs ||= documents.some(({ state }) => state === fileStates.notInstalled);
    withDocs ||= documents.some(({ state }) => state === fileStates.normal);
    const found = await lockPackage(
      root,
      one,
      reasons.get(one.key) ?? 'used',
      compared,
      { history, repositories, cached },
      context,
    );
    packages.push(found.locked);
    notes.push(...found.notes);
  }
  packages.sort(
    (a, b) => byBytes(a.name, b.name) || byBytes(a.architecture, b.architecture) || byBytes(a.version, b.version),
  );
  changed.sort((a, b) => byBytes(a.path, b.path) || byBytes(a.package, b.package));
  const gone = packages.filter(({ repacked }) => repacked === true).length;
  if (gone > 0) notes.push(keptNote(gone, packages.length, cached.offers.size));
  const sources = usedSources(packages, repositories);
  const alternatives = chosenAlternatives(attribution, reasons);
  const keys = await keepKeys(database.keys, context);
  const modules = await readModules(root);
  const listed = packages.filter((one) => isListed(one, context.scope));

  const spec: RpmSpec = {
    type,
    ...vendorOf(os.id, type),
    ...(os.version === undefined ? {} : { release: os.version }),
    ...(architecture === undefined ? {} : { architecture }),
    ...(sources.length === 0 ? {} : { sources }),
    packages: listed.map((one) => `${calledIn(one, architecture)}=${one.version}`),
    ...(modules.length === 0 ? {} : { modules }),
  };
  const lock: Omit<RpmLock, 'of'> = {
    database: { path: folder, format },
    packages,
    ...(sources.length === 0 ? {} : { configured: unowned(sources, repositories, attribution) }),
    ...(withoutDocs && !withDocs ? { documentation: false } : {}),
    ...(changed.length === 0 ? {} : { changed }),
    ...(Object.keys(keys).length === 0 ? {} : { keys }),
    ...(Object.keys(alternatives).length === 0 ? {} : { alternatives }),
  };
  const count = context.scope === 'all' ? packages.length : used.size;
  const summary = `${count} ${title} package${count === 1 ? '' : 's'}`;
  return { distributions: [{ spec, lock, summary }], notes: [...notes, ...leftNotes(changed)] };
}

/** A folder that several packages have says nothing about which of them was used. */
async function usedPackages(
  owned: ReadonlyMap<string, readonly Owner[]>,
  attribution: Attribution,
  root: Root,
): Promise<Set<string>> {
  const used = new Set<string>();
  const shared: string[] = [];
  for (const [path, owners] of owned) {
    if (owners.length > 1) shared.push(path);
    else if (owners[0] !== undefined && attribution.database.byKey.has(owners[0].key)) used.add(owners[0].key);
  }
  const stats = await root.lstat(shared);
  for (const [index, path] of shared.entries()) {
    if (stats[index]?.type === 'directory') continue;
    for (const { key } of owned.get(path) ?? []) used.add(key);
  }
  return used;
}

/** By package: paths that were used, that it makes, and that no other machine makes the same. */
function keptPaths(owned: ReadonlyMap<string, readonly Owner[]>, attribution: Attribution): Map<string, string[]> {
  const kept = [...owned.keys()].filter((path) => attribution.isKept(path)).sort(byBytes);
  return Map.groupBy(kept, (path) => owned.get(path)?.[0]?.key ?? '');
}

function isListed(one: RpmLocked, scope: TraceContext['scope']): boolean {
  if (scope === 'closure') return true;
  return one.why === 'used' || (scope === 'all' && one.manual === true);
}

/** Those that a locked package comes from; where nothing says so, those that are switched on. */
function usedSources(packages: readonly RpmLocked[], repositories: ReadonlyMap<string, Repository>): RpmSource[] {
  const from = new Set(packages.flatMap((one) => one.from ?? []));
  const all = [...repositories.values()].filter((one) => one.public);
  const used = all.filter(({ source }) => from.has(source.name));
  const meant = used.length > 0 ? used : all.filter(({ enabled }) => enabled);
  return meant.map(({ source }) => source).sort((a, b) => byBytes(a.name, b.name));
}

/** Whose .repo file is nobody's: the others come back with their packages. */
function unowned(
  sources: readonly RpmSource[],
  repositories: ReadonlyMap<string, Repository>,
  { database, ownersOf }: Attribution,
): string[] {
  return sources.flatMap(({ name }) => {
    const owners = ownersOf(repositories.get(name)?.file ?? '') ?? [];
    return owners.some(({ key, explained }) => explained === undefined && database.byKey.has(key)) ? [] : [name];
  });
}

function chosenAlternatives(attribution: Attribution, locked: ReadonlyMap<string, unknown>): Record<string, string> {
  const chosen = attribution.alternatives.filter(
    ({ name, manual, target }) =>
      manual &&
      isPackageName(name) &&
      isSafeAbsolute(target) &&
      attribution.ownersOf(target)?.some(({ key }) => locked.has(key)) === true,
  );
  return Object.fromEntries(chosen.map(({ name, target }) => [name, target]));
}

async function keepKeys(keys: readonly RpmPackage[], context: TraceContext): Promise<Record<string, ContentRef>> {
  const found: Record<string, ContentRef> = {};
  for (const { evr, header } of keys) {
    const name = `${evr.version}-${evr.release ?? ''}`;
    const armoured = header.text(tags.description) ?? '';
    if (!/^[0-9a-f]{8,64}-[0-9a-f]{1,16}$/.test(name) || !armoured.includes('BEGIN PGP PUBLIC KEY')) continue;
    const content = Buffer.from(`${armoured.trim()}\n`);
    found[name] = context.keep ? await context.store.add(content) : { sha256: sha256(content), size: content.length };
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => byBytes(a, b)));
}

function keptNote(gone: number, all: number, lists: number): Note {
  const many = gone === all ? `${gone} packages` : `${gone} of ${all} packages`;
  const advice = lists === 0 ? ' (dnf makecache, before tracing, helps)' : '';
  return { kind: 'gone', text: `${many}, in no list that dnf has here${advice}` };
}
