import { byBytes, UserError } from '../../../model/index.ts';
import type { Edit } from '../../../contract/index.ts';
import { parseWish, type PackageWish } from '../names.ts';
import type { AptSpec } from '../spec.ts';

/**
 * The entry after an edit of its list of packages. What is installed again with another version takes the place of the
 * old line; what is upgraded loses the version that it was pinned to. A sorted list stays sorted.
 */
export function edit(spec: AptSpec, { install = [], uninstall = [], upgrade = [] }: Edit): AptSpec {
  const before = spec.packages ?? [];
  const wasSorted = before.every((line, index) => index === 0 || (before[index - 1] ?? '') <= line);
  let lines = before.filter((line) => !uninstall.some((word) => isSame(parseWish(line), understood(word))));
  for (const word of uninstall) {
    if (before.some((line) => isSame(parseWish(line), understood(word)))) continue;
    throw new UserError(`${word} is none of the packages that the spec lists`, {
      status: 2,
      hint: 'what is there for others goes with them; repronim show --all lists everything',
    });
  }
  lines = lines.map((line) => {
    const wish = parseWish(line);
    const moves = upgrade === true || upgrade.some((word) => isSame(wish, understood(word)));
    return moves && wish?.relation === '=' ? nameOf(wish) : line;
  });
  for (const word of install) {
    const wish = understood(word);
    const at = lines.findIndex((line) => isSame(parseWish(line), wish));
    if (at === -1) lines.push(word);
    else lines[at] = word;
  }
  if (wasSorted) lines.sort(byBytes);
  const { packages: _, ...rest } = spec;
  return lines.length === 0 ? rest : { ...rest, packages: lines };
}

function understood(word: string): PackageWish {
  const wish = parseWish(word);
  if (wish !== undefined) return wish;
  throw new UserError(`"${word}" is no package`, { status: 2, hint: 'NAME, NAME=VERSION or NAME:ARCHITECTURE is one' });
}

function isSame(one: PackageWish | undefined, other: PackageWish): boolean {
  return one?.name === other.name && (other.architecture === undefined || one.architecture === other.architecture);
}

function nameOf({ name, architecture }: PackageWish): string {
  return architecture === undefined ? name : `${name}:${architecture}`;
}
