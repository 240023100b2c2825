import { deleteResource, resourceNamed } from '../../../flows/resource.ts';
import { houseOf } from '../../settings.ts';
import type { Verb } from '../../verb.ts';

export const verb: Verb = {
  summary: 'Forget names of places; what was made there stays.',
  usage: ['resource delete NAME …'],
  operands: [1, 32],
  command: 'none',
  options: [{ flags: '-n, --dry-run', says: 'say what would be done, and do nothing', matters: true }],
  examples: [['repronim resource delete lab', '']],
  async run({ terminal, operands, options }) {
    const house = houseOf(terminal);
    for (const name of operands) resourceNamed(name, house);
    for (const name of operands) {
      if (options.flag('dryRun')) terminal.answer(`would delete ${name}`);
      else {
        await deleteResource(name, house);
        terminal.say(`deleted ${name}; what was made with it stays`);
      }
    }
    return 0;
  },
};
