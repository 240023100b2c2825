import { UserError } from '../../model/index.ts';
import { remove } from '../../flows/attach.ts';
import { houseOf } from '../settings.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Remove environments, and all that is their own; what an interrupted create left, too.',
  usage: ['delete NAME …'],
  operands: [1, 1000],
  command: 'none',
  options: [
    { flags: '-n, --dry-run', says: 'say what would be removed', matters: true },
    { flags: '-y, --yes', says: 'do not ask', matters: true },
  ],
  examples: [['repronim delete study', 'whole names only']],
  async run({ terminal, operands, options }) {
    const house = houseOf(terminal);
    const known = new Set((await house.inventory.instances.list()).map(({ name }) => name));
    const unknown = operands.filter((name) => !known.has(name));
    if (unknown.length > 0) {
      throw new UserError(`there is no instance ${unknown.join(', ')}`, {
        status: 2,
        hint: 'repronim ls lists what there is',
      });
    }
    for (const name of new Set(operands)) {
      if (options.flag('dryRun')) {
        terminal.answer(`would remove ${name}`);
        continue;
      }
      if (terminal.interactive && !options.flag('yes') && !(await terminal.ask(`remove ${name}?`))) continue;
      await remove(name, house);
      terminal.say(`removed ${name}`);
    }
    return 0;
  },
};
