import type { Owner } from '../../../contract/index.ts';
import type { RpmDatabase } from './database.ts';
import { rules, type GeneratedRule } from './generated-rules.ts';

/** What rules say of paths that no package has. */
export interface Generated {
  ownersOf(path: string): readonly Owner[] | undefined;
  /** Whether its content is this machine's own. */
  isKept(path: string): boolean;
}

interface Made extends Pick<GeneratedRule, 'kept'> {
  readonly owners: readonly Owner[];
}

type OwnersOf = (path: string) => readonly Owner[] | undefined;

/** The rules of the packages that are installed; `owned` answers from the headers. */
export function findGenerated(database: RpmDatabase, owned: OwnersOf): Generated {
  const exact = new Map<string, Made>();
  const patterns: (Made & { readonly prefix: string; readonly expression: RegExp })[] = [];
  const byName = Map.groupBy(database.packages, ({ name }) => name);
  for (const rule of rules) {
    const maker = rule.by.flatMap((name) => byName.get(name) ?? [])[0] ?? makerByFile(rule, database, owned);
    if (maker === undefined) continue;
    const made = {
      owners: [{ key: maker.key, explained: rule.because }],
      ...(rule.kept ? { kept: true as const } : {}),
    };
    for (const path of rule.paths) {
      const star = path.indexOf('*');
      if (star === -1) exact.set(path, exact.get(path) ?? made);
      else patterns.push({ ...made, prefix: path.slice(0, star), expression: toExpression(path) });
    }
  }
  const byRule = (path: string) =>
    exact.get(path) ?? patterns.find((rule) => path.startsWith(rule.prefix) && rule.expression.test(path));
  return {
    ownersOf: (path) => compiled(path, owned) ?? byRule(path)?.owners,
    isKept: (path) => byRule(path)?.kept === true,
  };
}

/** Packages have other names elsewhere; whoever has the program that makes it, makes it. */
function makerByFile({ program }: GeneratedRule, database: RpmDatabase, owned: OwnersOf) {
  const key = program === undefined ? undefined : owned(program)?.[0]?.key;
  return key === undefined ? undefined : database.byKey.get(key);
}

function compiled(path: string, owned: OwnersOf): readonly Owner[] | undefined {
  if (!path.endsWith('.pyc') && !path.endsWith('/__pycache__')) return undefined;
  const source = path.endsWith('/__pycache__')
    ? path.slice(0, -'/__pycache__'.length)
    : path.replace(/^(.*)\/__pycache__\/([^/]+?)\.[a-z]+-?[0-9]+(?:\.opt-[12])?\.pyc$/s, '$1/$2.py'); // PEP 3147
  return source === path ? undefined : owned(source)?.map(({ key }) => ({ key, explained: 'compiled by Python' }));
}

/** `*` within one name, `**` over several. */
function toExpression(glob: string): RegExp {
  const parts = glob.split(/(\*\*|\*)/).map((part) => {
    if (part === '**') return '.+';
    return part === '*' ? '[^/]*' : part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`, 's');
}
