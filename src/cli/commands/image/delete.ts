import { findImage } from '../../../flows/image/find.ts';
import { nameOf } from '../../../flows/image/list.ts';
import { deleteImage } from '../../../flows/image/remove.ts';
import { houseOf } from '../../settings.ts';
import type { Verb } from '../../verb.ts';

export const verb: Verb = {
  summary: 'Remove names of images, and the images that then have none.',
  usage: ['image delete IMAGE …'],
  operands: [1, 32],
  command: 'none',
  options: [
    { flags: '-n, --dry-run', says: 'say what would be done, and do nothing', matters: true },
    { flags: '-y, --yes', says: 'do not ask', matters: true },
  ],
  examples: [
    ['repronim image delete -n study:1', 'what would go'],
    ['repronim image delete study:1 study:2', ''],
  ],
  async run({ terminal, operands, options }) {
    const house = houseOf(terminal);
    const found = [];
    for (const word of operands) found.push(await findImage(word, house));
    if (options.flag('dryRun')) {
      terminal.answer(`would delete ${found.map(nameOf).join(', ')}`);
      return 0;
    }
    if (terminal.interactive && !options.flag('yes') && !(await terminal.ask(`delete ${operands.join(', ')}?`)))
      return 0;
    const done = [];
    for (const word of operands) done.push(await deleteImage(word, house));
    if (terminal.json) terminal.value(done);
    for (const { untagged, deleted } of done)
      terminal.say(deleted === undefined ? `${untagged ?? ''} is no name any more` : `deleted ${deleted}`);
    return 0;
  },
};
