import type { Edit } from '../../../contract/index.ts';
import { byBytes, UserError } from '../../../model/index.ts';
import { parseWish, type PackageWish } from '../names.ts';
import type { RpmSpec } from '../spec.ts';

/** The entry with these packages asked for, or not any more; an upgrade lets go of versions that it says. */
export function edit(spec: RpmSpec, { install = [], uninstall = [], upgrade = [] }: Edit): RpmSpec {
  const lines = new Map((spec.packages ?? []).map((line) => [keyOf(read(line)), line]));
  for (const word of install) lines.set(keyOf(read(word)), word);
  for (const word of uninstall) {
    const wish = read(word);
    const keys = [...lines.keys()].filter((key) => key === keyOf(wish) || key.startsWith(`${wish.name}.`));
    const found =
      wish.architecture === undefined ? keys.filter((key) => read(lines.get(key) ?? '').name === wish.name) : keys;
    if (found.length === 0) {
      throw new UserError(`${word} is not among the packages that are asked for`, {
        status: 2,
        hint: 'what others need goes with them',
      });
    }
    for (const key of found) lines.delete(key);
  }
  const named = upgrade === true ? undefined : upgrade.map(read);
  for (const [key, line] of lines) {
    const wish = read(line);
    const isMeant = named === undefined || named.some((one) => one.name === wish.name);
    if (isMeant && wish.relation === '=') lines.set(key, key);
  }
  for (const one of named ?? []) if (one.version !== undefined) lines.set(keyOf(one), lineOf(one));
  const packages = [...lines.values()].sort(byBytes);
  const { packages: _, ...rest } = spec;
  return packages.length === 0 ? rest : { ...rest, packages };
}

function read(word: string): PackageWish {
  const wish = parseWish(word);
  if (wish !== undefined) return wish;
  throw new UserError(`"${word}" is no rpm package`, {
    status: 2,
    hint: 'NAME, NAME=VERSION, NAME.ARCHITECTURE or NAME>=VERSION',
  });
}

function keyOf({ name, architecture }: PackageWish): string {
  return architecture === undefined ? name : `${name}.${architecture}`;
}

function lineOf(wish: PackageWish): string {
  return `${keyOf(wish)}${wish.relation ?? ''}${wish.version ?? ''}`;
}
