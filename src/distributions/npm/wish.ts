import { UserError } from '../../model/index.ts';

/** A package as a person asks for it. */
export interface Wish {
  /** What it is called by a program that uses it. */
  readonly name: string;
  /** A version, a range (node-semver), a tag; `*` where nothing is said. `npm:NAME@RANGE` for one under another name. */
  readonly range: string;
}

const named = '(?:@[a-z0-9~][a-z0-9._~-]*/)?[A-Za-z0-9~_][A-Za-z0-9._~-]*';
const ranged = String.raw`[\w.+^~<>=|* -]+`;
const wish = new RegExp(`^(${named})(?:@((?:npm:${named}@)?${ranged}))?$`);

/** `left-pad`, `left-pad@^1.1`, `@scope/name@latest`. Nothing but names and ranges of a registry. Throws UserError 2. */
export function parseWish(word: string): Wish {
  const [, name, range] = wish.exec(word) ?? [];
  if (name === undefined || word.length > 400) {
    throw new UserError(`"${word}" is no package of npm`, {
      status: 2,
      hint: 'write NAME, NAME@VERSION or NAME@RANGE: left-pad@1.3.0, @types/node@^22',
    });
  }
  return { name, range: range?.trim() ?? '*' };
}

export function formatWish({ name, range }: Wish): string {
  return range === '*' ? name : `${name}@${range}`;
}
