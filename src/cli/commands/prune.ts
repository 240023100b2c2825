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
    { flags: '-f, --force', says: 'forget images whose host or daemon does not answer', matters: true },
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
    const { freed, left, forgotten, ...removed } = await prune(found, house, { forget: options.flag('force') });
    terminal.say(`removed ${counts(removed)}: ${size(freed)}`);
    for (const { name, because } of forgotten) {
      terminal.say(`forgot ${name}, which could not be removed: ${because.message}`);
    }
    for (const { name, because } of left) {
      terminal.error(`error: ${name} stays: ${because.message}`);
      if (because.hint !== undefined) terminal.error(`hint:  ${because.hint}`);
    }
    if (left.length > 0) terminal.error('hint:  repronim prune --force forgets those that will never answer again');
    return Math.max(0, ...left.map(({ because }) => because.status));
  },
};

function counts({ images, rootfs, contents, interrupted }: Pruneable): string {
  return `${images.length} images, ${rootfs.length} trees, ${contents.length} stored packages, ${interrupted.length} interrupted`;
}
