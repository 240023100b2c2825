import { byBytes, UserError } from '../../model/index.ts';
import type { Edit } from '../../contract/index.ts';
import type { NpmSpec } from './spec.ts';
import { formatWish, parseWish } from './wish.ts';

/** The entry after an edit, in npm's own words. */
export function edit(spec: NpmSpec, { install = [], uninstall = [], upgrade = [] }: Edit): NpmSpec {
  if ((spec.packages ?? []).length === 0 && spec.global !== true) {
    throw new UserError(`the packages of ${spec.path} are those of its package.json`, {
      status: 2,
      hint: 'change that with npm, then: repronim resolve --renew FILE',
    });
  }
  const wishes = new Map((spec.packages ?? []).map(parseWish).map((one) => [one.name, one]));
  const there = (word: string): string => {
    const { name } = parseWish(word);
    if (wishes.has(name)) return name;
    throw new UserError(`${name} is none of the packages of ${spec.path}`, { status: 2 });
  };
  for (const word of install) wishes.set(parseWish(word).name, parseWish(word));
  for (const word of uninstall) wishes.delete(there(word));
  for (const word of upgrade === true ? [...wishes.keys()] : upgrade) {
    const name = there(word);
    const { range } = parseWish(word);
    wishes.set(name, { name, range });
  }
  // what comes next is laid as npm does
  const { packages: _, manager: __, ...rest } = spec;
  const packages = [...wishes.values()].map(formatWish).sort(byBytes);
  return { ...rest, ...(packages.length === 0 ? {} : { packages }) };
}
