import { UserError } from '../../model/index.ts';
import type { Edit } from '../../contract/index.ts';
import { parseRequirement } from './requirement.ts';
import type { PythonSpec } from './spec.ts';

/** The entry with packages added, taken away, or freed of the version that they are pinned to. */
export function editPackages<S extends PythonSpec>(spec: S, { install = [], uninstall = [], upgrade = [] }: Edit): S {
  let packages = [...(spec.packages ?? [])];
  const nameOf = (text: string) => {
    const found = parseRequirement(text);
    if (found !== undefined) return found;
    throw new UserError(`"${text}" is no package of Python`, { status: 2, hint: 'such as nilearn or nilearn==0.10.4' });
  };
  const isNamed = (text: string, name: string) => parseRequirement(text)?.name === name;
  const known = (word: string) => {
    const { name } = nameOf(word);
    if (packages.some((text) => isNamed(text, name))) return name;
    throw new UserError(`${spec.id ?? spec.type} does not name ${word}`, {
      status: 2,
      hint: packages.length === 0 ? 'it names no package' : `it names ${packages.slice(0, 8).join(', ')}`,
    });
  };
  for (const word of uninstall) {
    const name = known(word);
    packages = packages.filter((text) => !isNamed(text, name));
  }
  const free = (text: string) => {
    const found = parseRequirement(text);
    if (found === undefined || !found.specifier.startsWith('==')) return text;
    return `${found.written}${found.extras.length === 0 ? '' : `[${found.extras.join(',')}]`}`;
  };
  if (upgrade === true) packages = packages.map(free);
  else {
    for (const word of upgrade) {
      const name = known(word);
      packages = packages.map((text) => (isNamed(text, name) ? free(text) : text));
    }
  }
  for (const word of install) {
    const { name } = nameOf(word);
    const at = packages.findIndex((text) => isNamed(text, name));
    if (at === -1) packages.push(word);
    else packages[at] = word;
  }
  const { packages: _, ...rest } = spec;
  return (packages.length === 0 ? rest : { ...spec, packages }) as S;
}
