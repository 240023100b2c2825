import { prune, pruneable, type Pruneable } from '../../flows/prune.ts';
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
    const said = counts(found);
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
    const { freed, left, ...removed } = await prune(found, house);
    terminal.say(`removed ${counts(removed)}: ${size(freed)}`);
    for (const { name, because } of left) {
      terminal.error(`error: ${name} stays: ${because.message}`);
      if (because.hint !== undefined) terminal.error(`hint:  ${because.hint}`);
    }
    return Math.max(0, ...left.map(({ because }) => because.status));
  },
};

function counts({ images, rootfs, contents, interrupted }: Pruneable): string {
  return `${images.length} images, ${rootfs.length} trees, ${contents.length} stored packages, ${interrupted.length} interrupted`;
}
