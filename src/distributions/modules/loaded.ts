import { posix } from 'node:path';

import { isSafeAbsolute, sha256, type ContentRef } from '../../model/index.ts';
import type { Ran, Root } from '../../contract/index.ts';
import { askedWithin, loadedBefore, modulePath, type Named } from './asked.ts';
import { isModulefile, modulefileLimit, parseModulefile } from './modulefile.ts';
import type { Modulefile } from './notebook.ts';
import { rootsOf } from './roots.ts';

/** A module that the run had, or got for itself. */
export interface Loaded {
  /** `foo/1.2`. */
  readonly name: string;
  /** Its modulefile, canonical. */
  readonly file: string;
  readonly bytes: Buffer;
  readonly text: ContentRef;
  readonly read: Modulefile;
  /** The trees that it makes usable. */
  readonly roots: readonly string[];
  /** Loaded before the command started, so that its environment has what came of it. */
  readonly before: boolean;
}

export interface Modules {
  /** In the order of loading. */
  readonly loaded: readonly Loaded[];
  readonly modulepath: readonly string[];
  /** The same, canonical, as far as they are there. */
  readonly folders: readonly string[];
  /** Files of loaded modules that are not there, or can't be read. */
  readonly lost: readonly Named[];
}

const none: Modules = { loaded: [], modulepath: [], folders: [], lost: [] };

/** What was seen for one run so far: paths that may be modulefiles, and what came of them. */
const seen = new WeakMap<Ran, { readonly root: Root; readonly paths: Set<string>; found?: Promise<Modules> }>();

/** The modules of a run; `paths` are what it used, among them the modulefiles of what it loaded itself. */
export async function modulesOf(ran: Ran | undefined, root: Root, paths: Iterable<string>): Promise<Modules> {
  if (ran === undefined) return none;
  let held = seen.get(ran);
  if (held?.root !== root) seen.set(ran, (held = { root, paths: new Set() }));
  const asked = askedWithin(ran.programs);
  let fresh = held.found === undefined;
  // without a request, nothing that was opened can have been loaded by the run
  if (asked.length > 0) {
    for (const path of paths) {
      if (held.paths.has(path)) continue;
      held.paths.add(path);
      fresh = true;
    }
  }
  if (fresh || held.found === undefined) held.found = find(ran, asked, root, held.paths);
  return await held.found;
}

async function find(ran: Ran, asked: readonly string[], root: Root, paths: ReadonlySet<string>): Promise<Modules> {
  const before = loadedBefore(ran.env).slice(0, 1000);
  const homes = [ran.env['HOME'], ran.directory].filter(
    (path) => path !== undefined && isSafeAbsolute(path),
  ) as string[];
  const loaded = new Map<string, Loaded>();
  const lost: Named[] = [];
  const add = async ({ name, file }: Named, isBefore: boolean): Promise<Loaded | undefined> => {
    const [real] = isSafeAbsolute(file) ? await root.realpath([file]) : [];
    const known = [...loaded.values()].find((one) => one.file === real);
    if (known !== undefined) return known;
    const bytes = real === undefined ? undefined : await root.readFile(real, modulefileLimit).catch(() => undefined);
    if (bytes === undefined || real === undefined) return undefined;
    const text = bytes.toString('utf8');
    if (!isBefore && !isModulefile(real, text)) return undefined;
    const read = parseModulefile(text, { name, file, env: ran.env });
    const roots = await rootsOf({ name, file: real, read }, root, homes);
    const one = { name, file: real, bytes, text: { sha256: sha256(bytes), size: bytes.length }, read, roots };
    loaded.set(name, { ...one, before: isBefore });
    return { ...one, before: isBefore };
  };
  for (const named of before) if ((await add(named, true)) === undefined) lost.push(named);
  const folders = new Set(modulePath(ran.env));
  const queue = [...asked];
  const done = new Set<string>();
  while (queue.length > 0 && done.size < 1000) {
    const want = queue.shift() ?? '';
    if (done.has(want)) continue;
    done.add(want);
    const named = matching(want, paths);
    if (named === undefined) continue;
    const one = await add(named, false);
    if (one === undefined) continue;
    folders.add(named.file.replace(/\.lua$/, '').slice(0, -named.name.length - 1));
    queue.push(...one.read.loads, ...one.read.needs);
  }
  const modulepath = [...folders].filter(isSafeAbsolute);
  const real = await root.realpath(modulepath);
  return {
    loaded: inOrder([...loaded.values()]),
    modulepath,
    folders: [...new Set(real.filter((path) => path !== undefined))],
    lost,
  };
}

/** What a module loads itself, or needs, is loaded before it. */
function inOrder(found: readonly Loaded[]): Loaded[] {
  const ordered: Loaded[] = found.filter(({ before }) => before);
  const visit = (one: Loaded): void => {
    if (ordered.includes(one) || visiting.has(one)) return;
    visiting.add(one);
    for (const want of [...one.read.loads, ...one.read.needs]) {
      const first = found.find(({ name }) => name === want || name.startsWith(`${want}/`));
      if (first !== undefined) visit(first);
    }
    ordered.push(one);
  };
  const visiting = new Set<Loaded>();
  for (const one of found) visit(one);
  return ordered;
}

/** The opened file that `load NAME` may have meant: `…/NAME`, or the highest version of it. */
function matching(want: string, paths: ReadonlySet<string>): Named | undefined {
  const [name = '', ...version] = want.split('@');
  const wanted = version.length > 0 ? `${name}/${version.join('@')}` : want;
  let best: Named | undefined;
  for (const path of paths) {
    const plain = path.endsWith('.lua') ? path.slice(0, -4) : path;
    const at = plain.lastIndexOf(`/${wanted}`);
    if (at < 1) continue;
    const rest = plain.slice(at + 1 + wanted.length);
    if (rest !== '' && !/^\/[^/.][^/]*$/.test(rest)) continue;
    const found = { name: plain.slice(at + 1), file: path };
    if (best === undefined || natural.compare(best.name, found.name) < 0) best = found;
  }
  return best;
}

const natural = new Intl.Collator('en', { numeric: true });

/** The last part of a module's name where it has several: `foo/1.2` is version 1.2 of foo. */
export function nameAndVersion(module: string): { readonly name: string; readonly version: string } {
  const folder = posix.dirname(module);
  return folder === '.' ? { name: module, version: '' } : { name: folder, version: posix.basename(module) };
}
