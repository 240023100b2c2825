import { existsSync } from 'node:fs';

import { UserError } from '../model/index.ts';
import type { Options } from './verb.ts';

/** Another file is not replaced unasked, and that is said before anything is run. */
export function refuseToOverwrite(files: readonly string[], options: Options): void {
  if (options.flag('force')) return;
  for (const file of files) {
    if (file === '-' || !existsSync(file)) continue;
    throw new UserError(`${file} is there already`, {
      status: 2,
      hint: 'choose another file with -o, or replace it with --force',
    });
  }
}

/** Throws UserError 2 for what can't name an instance; `words` are those of the grammar of places. */
export function checkName(name: string, words: readonly string[]): void {
  if (!/^[a-z][a-z0-9-]*$/.test(name) || name.length > 63) {
    throw new UserError(`"${name}" cannot be a name`, {
      status: 2,
      hint: 'a letter, then letters, digits and - (all lower case)',
    });
  }
  if (['host', 'all', ...words].includes(name)) {
    throw new UserError(`"${name}" is a word of repronim, not a name`, { status: 2 });
  }
}
