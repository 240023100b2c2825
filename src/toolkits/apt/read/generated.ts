import { posix } from 'node:path';

import { RootError, type Owner, type Root } from '../../../contract/index.ts';
import type { Database } from './database.ts';
import { derivedRules, linkFolders, rules, type GeneratedRule } from './generated-rules.ts';
import { readText } from './reader.ts';

/** What rules say of paths that no list names. */
export interface Generated {
  ownersOf(path: string): readonly Owner[] | undefined;
  /** Whether its content is this machine's own. */
  isKept(path: string): boolean;
}

type OwnersOf = (path: string) => readonly Owner[] | undefined;

/** The rules of the packages that are installed; `owned` answers from the lists. */
export async function findGenerated(root: Root, database: Database, owned: OwnersOf): Promise<Generated> {
  const exact = new Map<string, { owners: readonly Owner[]; kept: boolean }>();
  const patterns: { prefix: string; expression: RegExp; owners: readonly Owner[]; kept: boolean }[] = [];
  for (const rule of rules) {
    const owners = makers(rule, database);
    if (owners === undefined) continue;
    const kept = rule.kept === true;
    for (const path of rule.paths) {
      const star = path.indexOf('*');
      if (star !== -1) patterns.push({ prefix: path.slice(0, star), expression: toExpression(path), owners, kept });
      else if (!exact.has(path)) exact.set(path, { owners, kept });
    }
  }
  for (const [path, owners] of await ucfFiles(root, database)) exact.set(path, { owners, kept: true });
  for (const [path, owners] of await links(root, owned)) if (!exact.has(path)) exact.set(path, { owners, kept: false });
  // most folders have no pattern of theirs: that is found out once for each
  const inFolder = new Map<string, typeof patterns>();
  const byRule = (path: string) => {
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    let near = inFolder.get(folder);
    if (near === undefined) {
      near = patterns.filter(({ prefix }) => folder.startsWith(prefix) || prefix.startsWith(folder));
      inFolder.set(folder, near);
    }
    return near.find((rule) => path.startsWith(rule.prefix) && rule.expression.test(path));
  };
  return {
    ownersOf: (path) => exact.get(path)?.owners ?? derived(path, owned) ?? byRule(path)?.owners,
    isKept: (path) => (exact.get(path) ?? byRule(path))?.kept === true,
  };
}

function makers({ by, because }: GeneratedRule, database: Database): readonly Owner[] | undefined {
  const maker = by.flatMap((name) => database.byName.get(name) ?? [])[0];
  return maker === undefined ? undefined : [{ key: maker.key, explained: because }];
}

function derived(path: string, owned: OwnersOf): readonly Owner[] | undefined {
  for (const rule of derivedRules) {
    if (!path.endsWith(rule.suffix)) continue;
    const from = path.replace(rule.path, rule.from);
    const owners = from === path ? undefined : owned(from);
    if (owners !== undefined) return owners.map(({ key }) => ({ key, explained: rule.because }));
  }
  return undefined;
}

/** ucf(1) writes down which package's configuration it looks after: `package path`, a line each. */
async function ucfFiles(root: Root, database: Database): Promise<[string, readonly Owner[]][]> {
  const registry = (await readText(root, '/var/lib/ucf/registry')) ?? '';
  return registry.split('\n').flatMap((line): [string, readonly Owner[]][] => {
    const [, name = '', path = ''] = /^(\S+)\s+(\/.+)$/.exec(line) ?? [];
    const owner = database.byName.get(name)?.[0];
    return owner === undefined ? [] : [[path, [{ key: owner.key, explained: 'configuration that ucf looks after' }]]];
  });
}

async function links(root: Root, owned: OwnersOf): Promise<[string, readonly Owner[]][]> {
  const found: { path: string; because: string }[] = [];
  for (const { folder, because } of linkFolders) {
    for (const path of folder.endsWith('/*') ? await entries(root, folder.slice(0, -2), 'directory') : [folder]) {
      found.push(...(await entries(root, path, 'link')).map((link) => ({ path: link, because })));
    }
  }
  const targets = await root.realpath(found.map(({ path }) => path));
  return found.flatMap(({ path, because }, index): [string, readonly Owner[]][] => {
    const owners = owned(targets[index] ?? '');
    return owners === undefined ? [] : [[path, owners.map(({ key }) => ({ key, explained: because }))]];
  });
}

async function entries(root: Root, folder: string, type: 'link' | 'directory'): Promise<string[]> {
  try {
    const names = await root.readdir(folder);
    return names.filter((one) => one.type === type).map(({ name }) => posix.join(folder, name));
  } catch (error) {
    if (error instanceof RootError) return [];
    throw error;
  }
}

/** `*` within one name, `**` over several. */
function toExpression(glob: string): RegExp {
  const parts = glob.split(/(\*\*|\*)/).map((part) => {
    if (part === '**') return '.+';
    return part === '*' ? '[^/]*' : part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`, 's');
}
