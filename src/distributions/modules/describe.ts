import { byBytes, isWithin, type Note } from '../../model/index.ts';
import type { Description, Owner, Root, TraceContext } from '../../contract/index.ts';
import { readBuiltBy } from '../../toolkits/trees/built-by.ts';
import { soughtByGo } from '../../toolkits/trees/go.ts';
import { keepUsed, limitIn, type KeptUsed } from '../../toolkits/trees/keep-used.ts';
import { completeUsed } from '../../toolkits/trees/used.ts';
import { ownVariables, toolSettings } from './activate.ts';
import { toolOf } from './asked.ts';
import { isModulefile } from './modulefile.ts';
import { modulesOf, type Loaded, type Modules } from './loaded.ts';
import { settingsOf } from './settings.ts';
import type { ModuleLock, ModulesLock, ModulesSpec } from './spec.ts';

/** What was kept for one trace, by the paths that were asked for. */
const keptOf = new WeakMap<TraceContext, Map<string, ReturnType<typeof keepUsed>>>();

/** The modules of the run, in order, and what was used of their trees. */
export async function describe(
  owned: ReadonlyMap<string, readonly Owner[]>,
  root: Root,
  context: TraceContext,
): Promise<Description<ModulesSpec, ModulesLock>> {
  const { ran } = context;
  const modules = await modulesOf(ran, root, owned.keys());
  const { loaded, modulepath, lost } = modules;
  const notes: Note[] = lost.map(({ name, file }) => ({
    kind: 'unreadable',
    path: file,
    about: name,
    text: `the modulefile ${file} of ${name}, which was loaded, can't be read`,
  }));
  for (const { name, file, bytes } of loaded) {
    if (isModulefile(file, bytes.toString('utf8'))) continue;
    notes.push({
      kind: 'unreadable',
      path: file,
      about: name,
      text: `${file}, from which ${name} was loaded, is no modulefile`,
    });
  }
  if (ran === undefined || loaded.length === 0) return { distributions: [], notes };
  const used = await usedOf(modules, owned, root, context);
  const { kept, notes: left } = await keep(used.paths, modules, root, context);
  const { rows, evidence } = await rowsOf(loaded, kept, root, notes);
  const roots = loaded.flatMap(({ name, roots: tops }) => tops.map((path) => ({ path, module: name })));
  const environment = [...settingsOf(loaded, ran.env), ...toolSettings({ modulepath }, { packages: rows }, ran.env)];
  if (context.keep) for (const { bytes } of loaded) await context.store.add(bytes);
  const names = loaded.map(({ name }) => name);
  return {
    distributions: [
      {
        spec: {
          type: 'modules',
          ...toolOf(ran),
          ...(modulepath.length === 0 ? {} : { modulepath }),
          packages: names,
        },
        lock: {
          packages: rows,
          ...(roots.length === 0 ? {} : { roots }),
          ...(environment.length === 0 ? {} : { environment }),
          ...kept,
        },
        variables: variablesOf(loaded),
        summary: `${names.length === 1 ? '1 module' : `${names.length} modules`} (${names.join(', ')})`,
      },
    ],
    leads: [...new Set([...loaded.map(({ file }) => file), ...evidence, ...used.leads])].sort(byBytes),
    notes: [...notes, ...left, ...keptNotes(names, kept)],
  };
}

/** What loading set, where the run started with it, and what says that it is loaded. */
function variablesOf(loaded: readonly Loaded[]): string[] {
  const before = loaded.filter((one) => one.before);
  if (before.length === 0) return [];
  const names = before.flatMap(({ read }) => read.changes.map(({ name }) => name));
  return [...new Set([...names, ...ownVariables])].sort(byBytes);
}

/** What of the trees was used, with what it needs; or all of them, where everything was asked for. */
async function usedOf(
  { loaded }: Modules,
  owned: ReadonlyMap<string, readonly Owner[]>,
  root: Root,
  context: TraceContext,
): Promise<{ readonly paths: ReadonlySet<string>; readonly leads: readonly string[] }> {
  const paths = new Set<string>();
  const leads = new Set<string>();
  const left = new Set(owned.keys());
  const tops = [...new Set(loaded.flatMap(({ roots }) => roots))].sort((a, b) => b.length - a.length);
  for (const top of tops) {
    const mine = [...left].filter((path) => isWithin(path, top));
    for (const path of mine) left.delete(path);
    if (context.scope === 'all' || context.whole.includes(top)) {
      for await (const { path } of root.scan({ below: [top], digests: [] })) paths.add(path);
      continue;
    }
    if (mine.length === 0) continue;
    const all = await completeUsed(top, mine, root);
    for (const path of all.paths) paths.add(path);
    for (const lead of all.leads) leads.add(lead);
    if (all.paths.has(`${top}/bin/go`)) for (const lead of await soughtByGo(context.ran, root)) leads.add(lead);
  }
  for (const path of left) paths.add(path);
  return { paths, leads: [...leads] };
}

async function keep(
  paths: ReadonlySet<string>,
  { loaded, folders }: Modules,
  root: Root,
  context: TraceContext,
): ReturnType<typeof keepUsed> {
  const held = keptOf.get(context) ?? new Map<string, ReturnType<typeof keepUsed>>();
  keptOf.set(context, held);
  const sorted = [...paths].sort(byBytes);
  const key = JSON.stringify([root.label, sorted]);
  const places = [...folders, ...loaded.flatMap(({ roots }) => roots)];
  let one = held.get(key);
  if (one === undefined) {
    one = keepUsed(root, '/', sorted, {
      store: context.store,
      keep: context.keep,
      limit: limitIn(context.settings('modules')),
      setting: 'modules.limit',
      // folders above them are the base's
      isOurs: (path) => paths.has(path) || places.some((place) => isWithin(path, place)),
    });
    held.set(key, one);
  }
  return await one;
}

async function rowsOf(
  loaded: readonly Loaded[],
  kept: KeptUsed,
  root: Root,
  notes: Note[],
): Promise<{ readonly rows: readonly ModuleLock[]; readonly evidence: readonly string[] }> {
  const evidence: string[] = [];
  const rows: ModuleLock[] = [];
  for (const { name, file, text, read, roots, before } of loaded) {
    const [top] = roots;
    const built = top === undefined ? undefined : await readBuiltBy(top, root, notes);
    // what says where it comes from is worth keeping where anything is kept
    if (built !== undefined && kept.files > 0) evidence.push(...built.evidence);
    const build = built?.facts['easyconfig'] ?? built?.facts['hash'];
    rows.push({
      name,
      file,
      ...text,
      ...(read.about[0] === undefined ? {} : { about: read.about[0] }),
      ...some('conflicts', read.conflicts),
      ...some('needs', read.needs),
      ...(built === undefined ? {} : { by: built.by }),
      ...(build === undefined ? {} : { build }),
      ...(before ? {} : { within: true as const }),
    });
  }
  return { rows, evidence };
}

function some<K extends string>(key: K, words: readonly string[]): { [key in K]?: string } {
  return words.length === 0 ? {} : ({ [key]: words.join(' ') } as { [key in K]?: string });
}

function keptNotes(names: readonly string[], { files, archive }: KeptUsed): Note[] {
  if (archive === undefined) return [];
  const what = names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
  return [{ kind: 'gone', text: `${files} files of modules (${what}), which no archive ever has` }];
}
