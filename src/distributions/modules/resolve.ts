import { posix } from 'node:path';

import { isSafeAbsolute, UserError } from '../../model/index.ts';
import type { CreateContext, Owner, Ran, Root } from '../../contract/index.ts';
import { localRoot } from '../../roots/local.ts';
import { describe } from './describe.ts';
import { isModulefile, modulefileLimit, parseModulefile } from './modulefile.ts';
import type { ModulesLock, ModulesSpec } from './spec.ts';

/**
 * Modules that somebody named are taken from this machine, with all of their trees: no archive has them. What is held
 * stays. Throws UserError 4 where a module is not here.
 */
export async function resolve(
  wish: ModulesSpec,
  held: ModulesLock | undefined,
  context: CreateContext,
  renew: true | readonly string[],
  root: Root = localRoot('/'),
): Promise<Omit<ModulesLock, 'of'>> {
  const names = new Set(held?.packages.map(({ name }) => name));
  if (
    held !== undefined &&
    renew !== true &&
    renew.length === 0 &&
    wish.packages.every((name) => isHeld(name, names))
  ) {
    const { of: _, ...rest } = held;
    return rest;
  }
  const folders = foldersOf(wish, context);
  const files = new Map<string, string>();
  const queue = [...wish.packages];
  for (let want = queue.shift(); want !== undefined && files.size < 1000; want = queue.shift()) {
    if (files.has(want)) continue;
    const file = await findModule(want, folders, root);
    if (file === undefined) {
      if (!wish.packages.includes(want)) continue; // what a modulefile asks for may be a condition's
      throw new UserError(`the module ${want} is not on this machine`, {
        status: 4,
        details: folders.map((folder) => `no modulefile of it below ${folder}`),
        hint: 'modules come from no archive: resolve it where they are, or trace a command that uses them',
      });
    }
    files.set(want, file);
    const bytes = await root.readFile(file, modulefileLimit).catch(() => Buffer.alloc(0));
    const read = parseModulefile(bytes.toString('utf8'), { name: want, file, env: {} });
    queue.push(...read.loads, ...read.needs);
  }
  const ran: Ran = {
    env: {},
    directory: '/',
    programs: [{ file: 'modulecmd', argv: ['modulecmd', 'sh', 'load', ...files.keys()] }],
  };
  const owned = new Map<string, readonly Owner[]>([...files].map(([name, file]) => [file, [{ key: name }]]));
  const tracing = { ...context, scope: 'all', keep: true, whole: [], ran } as const;
  const { distributions } = await describe(owned, root, tracing);
  const lock = distributions[0]?.lock ?? { packages: [], files: 0, size: 0 };
  // nobody loads them but the environment itself
  const packages = lock.packages.map((one) => {
    const { within, ...rest } = one;
    return within === undefined ? one : rest;
  });
  return { ...lock, packages };
}

function isHeld(name: string, held: ReadonlySet<string>): boolean {
  return held.has(name) || [...held].some((one) => one.startsWith(`${name}/`));
}

function foldersOf({ modulepath }: ModulesSpec, context: CreateContext): readonly string[] {
  const { modulepath: set } = context.settings('modules');
  const listed = modulepath ?? (Array.isArray(set) ? (set as unknown[]) : []);
  const folders = listed.filter((path): path is string => typeof path === 'string' && isSafeAbsolute(path));
  if (folders.length > 0) return folders;
  throw new UserError('modules need a modulepath: where their modulefiles lie', {
    status: 2,
    hint: 'modulepath: [/apps/modules] in the entry, or in [modules] of the configuration',
  });
}

/** The file of a module, or of its default version: the one that `.version` names, else the highest. */
async function findModule(name: string, folders: readonly string[], root: Root): Promise<string | undefined> {
  if (!/^[\w+@:~][\w.+@:~-]*(?:\/[\w+@:~][\w.+@:~-]*)*$/.test(name)) return undefined;
  for (const folder of folders) {
    const at = posix.join(folder, name);
    for (const file of [at, `${at}.lua`]) if (await isOne(file, root)) return file;
    const listed = (await root.readdir(at).catch(() => []))
      .map((entry) => entry.name)
      .filter((entry) => !entry.startsWith('.'))
      .sort((a, b) => natural.compare(b, a));
    const version = (await root.readFile(posix.join(at, '.version'), 65_536).catch(() => Buffer.alloc(0))).toString();
    const [, wanted] = /^\s*set\s+ModulesVersion\s+"?([\w.+-]+)/m.exec(version) ?? [];
    const ordered = wanted === undefined ? listed : [wanted, `${wanted}.lua`, ...listed];
    for (const entry of ordered) if (await isOne(posix.join(at, entry), root)) return posix.join(at, entry);
  }
  return undefined;
}

async function isOne(file: string, root: Root): Promise<boolean> {
  const bytes = await root.readFile(file, modulefileLimit).catch(() => undefined);
  return bytes !== undefined && isModulefile(file, bytes.toString('utf8'));
}

const natural = new Intl.Collator('en', { numeric: true });
