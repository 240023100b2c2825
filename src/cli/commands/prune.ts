import { prune, pruneable } from '../../flows/prune.ts';
import { size } from '../render/numbers.ts';
import { houseOf } from '../settings.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Remove images and trees that no environment uses, and what archives have again.',
  usage: ['prune'],
  operands: [0, 0],
  command: 'none',
  options: [
    { flags: '-n, --dry-run', says: 'say what would be removed', matters: true },
    { flags: '-y, --yes', says: 'do not ask', matters: true },
  ],
  examples: [['repronim prune --dry-run', '']],
  async run({ terminal, options }) {
    const house = houseOf(terminal);
    const found = await pruneable(house);
    const count = found.images.length + found.rootfs.length + found.contents.length + found.interrupted.length;
    const said = `${found.images.length} images, ${found.rootfs.length} trees, ${found.contents.length} stored packages, ${found.interrupted.length} interrupted`;
    if (terminal.json) terminal.value(found);
    if (count === 0) {
      if (!terminal.json) terminal.say('nothing to remove');
      return 0;
    }
    if (options.flag('dryRun')) {
      if (!terminal.json) terminal.answer(`would remove ${said}`);
      return 0;
    }
    if (terminal.interactive && !options.flag('yes') && !(await terminal.ask(`remove ${said}?`))) return 0;
    const freed = await prune(found, house);
    terminal.say(`removed ${said}: ${size(freed)}`);
    return 0;
  },
};
