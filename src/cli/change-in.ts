import { UserError } from '../model/index.ts';
import { applyChange, planChange } from '../flows/change.ts';
import type { Asked } from '../flows/change/words.ts';
import { inPlaceFrom, inPlaceOptions } from './in-place.ts';
import { diffLines } from './render/diff.ts';
import { duration } from './render/numbers.ts';
import { houseOf } from './settings.ts';
import type { Invocation, OptionOf } from './verb.ts';

/** Options of the verbs that change a live environment. */
export const changeOptions: readonly OptionOf[] = [
  { flags: '-r, --instance <name>', says: 'the environment that is changed', matters: true },
  { flags: '-n, --dry-run', says: 'say what would change, and change nothing', matters: true },
  { flags: '-y, --yes', says: 'do not ask', matters: true },
  { flags: '--all', says: 'show every change', matters: true },
  ...inPlaceOptions,
];

/** Changes a live environment: shows what it comes to, asks, does it. Returns the exit status. */
export async function changeIn(what: Asked['do'], { terminal, operands, options }: Invocation): Promise<number> {
  const name = options.text('instance');
  if (name === undefined) {
    throw new UserError(`${what} needs -r NAME`, {
      status: 2,
      hint: `repronim ${what} -r NAME …; repronim ls lists them`,
    });
  }
  const dry = options.flag('dryRun');
  if (!dry && !options.flag('yes') && !terminal.interactive) {
    throw new UserError('nobody can be asked here', { status: 2, hint: 'look with --dry-run, then do it with --yes' });
  }
  const house = houseOf(terminal);
  const change = await planChange(name, { do: what, words: operands }, house);
  const { differences } = change;
  if (differences.equal) {
    if (terminal.json) terminal.value({ name, changed: false, differences });
    terminal.say(`${name} has that already`);
    return 0;
  }
  const lines = diffLines(differences, { all: options.flag('all') });
  if (dry) {
    if (terminal.json) terminal.value({ name, changed: false, differences, spec: change.to });
    else for (const line of lines) terminal.answer(line);
    return 0;
  }
  for (const line of lines) terminal.say(line);
  if (!options.flag('yes') && !(await terminal.ask(`change ${name} so?`))) return 0;
  const started = performance.now();
  const { steps } = await applyChange(change, house, inPlaceFrom(terminal, options));
  if (terminal.json) terminal.value({ name, changed: true, differences, spec: change.to, steps });
  terminal.say(`${name} is changed, and so is its spec     ${duration(performance.now() - started)}`);
  terminal.say(`          repronim verify ${name}`);
  return 0;
}
