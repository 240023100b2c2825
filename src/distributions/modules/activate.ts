import type { EnvironmentChange } from '../../model/index.ts';
import type { Ran } from '../../contract/index.ts';
import type { ModuleSetting, ModulesLock, ModulesSpec } from './spec.ts';

/** What loading the modules changed, and what tells a module tool that they are loaded. */
export function activate(
  spec: Pick<ModulesSpec, 'modulepath'>,
  lock: Pick<ModulesLock, 'packages' | 'environment'> | undefined,
): readonly EnvironmentChange[] {
  const loaded = loadedFirst(lock);
  if (lock === undefined || loaded.length === 0) return [];
  const names = new Set(loaded.map(({ name }) => name));
  const rows = (lock.environment ?? []).filter(({ module }) => module === undefined || names.has(module));
  const stated = new Set(rows.flatMap(({ name, module }) => (module === undefined ? [name] : [])));
  return [
    ...rows.flatMap(changeOf),
    ...Object.entries(toolVariables(spec, loaded)).flatMap(([name, value]): EnvironmentChange[] =>
      stated.has(name) || value === '' ? [] : [{ do: 'set', name, value }],
    ),
  ];
}

/**
 * What a module tool had told itself in the environment of a run, where that is not what its modules and folders come to: a
 * modulefile that was reached by a link, a folder that is written with a slash at its end.
 */
export function toolSettings(
  spec: Pick<ModulesSpec, 'modulepath'>,
  lock: Pick<ModulesLock, 'packages'>,
  env: Ran['env'],
): readonly ModuleSetting[] {
  const loaded = loadedFirst(lock);
  if (loaded.length === 0) return [];
  return Object.entries(toolVariables(spec, loaded)).flatMap(([name, usual]): ModuleSetting[] => {
    const value = env[name];
    if (value === usual || (value === undefined && usual === '')) return [];
    return [value === undefined ? { do: 'unset', name } : { do: 'set', name, value }];
  });
}

/** Names of the variables in which both tools keep what is loaded. */
export const ownVariables: readonly string[] = ['LOADEDMODULES', 'MODULEPATH', '_LMFILES_'];

function toolVariables(
  { modulepath = [] }: Pick<ModulesSpec, 'modulepath'>,
  loaded: ModulesLock['packages'],
): Readonly<Record<string, string>> {
  return {
    MODULEPATH: modulepath.join(':'),
    LOADEDMODULES: loaded.map(({ name }) => name).join(':'),
    _LMFILES_: loaded.map(({ file }) => file).join(':'),
  };
}

/** What the run loads itself is not there when it starts. */
function loadedFirst(lock: Pick<ModulesLock, 'packages'> | undefined): ModulesLock['packages'] {
  return (lock?.packages ?? []).filter(({ within }) => within !== true);
}

function changeOf({ do: what, name, value }: ModuleSetting): EnvironmentChange[] {
  if (what === 'unset') return [{ do: 'unset', name }];
  return value === undefined ? [] : [{ do: what, name, value }];
}
