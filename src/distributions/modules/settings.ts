import { cutSecrets } from '../../formats/spec/secrets.ts';
import type { Ran } from '../../contract/index.ts';
import type { Loaded } from './loaded.ts';
import type { ModuleSetting } from './spec.ts';

/**
 * What loading changed in the environment, in order. Where the command started with the module loaded, its environment
 * has the last word: a value that stands otherwise there is not what loading made, and one that only running the
 * modulefile would tell is taken from there. What is appended to a list takes no other's place, and is left to the
 * environment of the run. Nothing that looks like a secret.
 */
export function settingsOf(loaded: readonly Loaded[], env: Ran['env']): readonly ModuleSetting[] {
  const public_ = cutSecrets({ argv: [], env }).env;
  const settings: ModuleSetting[] = [];
  for (const { name: module, read, before } of loaded) {
    for (const { do: what, name, value, delimiter } of read.changes) {
      const is = Object.hasOwn(env, name) ? env[name] : undefined;
      if (name === 'MODULEPATH' || is !== public_[name] || isSecret(name, value)) continue;
      if (what === 'unset') {
        if (!before || is === undefined) settings.push({ do: 'unset', name, module });
      } else if (what === 'set') {
        const known = before ? is : value;
        if (known !== undefined) settings.push({ do: 'set', name, value: known, module });
      } else if (what === 'prepend' && value !== undefined && delimiter === undefined) {
        if (!before || is?.split(':').includes(value) === true) settings.push({ do: 'prepend', name, value, module });
      }
    }
  }
  return settings;
}

function isSecret(name: string, value: string | undefined): boolean {
  return value !== undefined && cutSecrets({ argv: [], env: { [name]: value } }).env[name] !== value;
}
