import { UserError } from '../../model/index.ts';
import { remains, remove } from '../../flows/attach.ts';
import { atOnce, expandGroups, inTurns } from '../../flows/group/members.ts';
import { houseOf } from '../settings.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary:
    'Remove environments, and all that is their own; what an interrupted create left, too; what was attached is only forgotten.',
  usage: ['delete NAME|GROUP …'],
  operands: [1, 1000],
  command: 'none',
  options: [
    { flags: '-n, --dry-run', says: 'say what would be removed', matters: true },
    { flags: '-y, --yes', says: 'do not ask', matters: true },
    {
      flags: '-f, --force',
      says: 'forget what cannot be removed, since its host or daemon is gone for good, and say what may be left there',
      matters: true,
    },
  ],
  examples: [
    ['repronim delete study', 'whole names only'],
    ['repronim delete --force study', 'where its host will never answer again'],
  ],
  async run({ terminal, operands, options }) {
    const house = houseOf(terminal);
    const known = new Map((await house.inventory.instances.list()).map(({ name, value }) => [name, value]));
    const names = await expandGroups(operands, house);
    const unknown = names.filter((name) => !known.has(name));
    if (unknown.length > 0) {
      throw new UserError(`there is no instance ${unknown.join(', ')}`, {
        status: 2,
        hint: 'repronim ls lists what there is',
      });
    }
    // a group is asked for once
    const asked = new Map(
      await Promise.all(operands.map(async (word) => [word, await expandGroups([word], house)] as const)),
    );
    for (const [word, members] of asked) {
      const what = members.includes(word) ? word : `${word}: ${members.join(', ')}`;
      if (options.flag('dryRun')) {
        terminal.answer(`would remove ${what}`);
        continue;
      }
      if (terminal.interactive && !options.flag('yes') && !(await terminal.ask(`remove ${what}?`))) continue;
      await inTurns(members, atOnce, async (name) => {
        const because = await remove(name, house, { forget: options.flag('force') });
        const value = known.get(name);
        if (because !== undefined) {
          terminal.say(`forgot ${name}, which could not be removed: ${because.message}`);
          for (const line of value === undefined ? [] : remains(value)) terminal.say(`          may be left: ${line}`);
          return;
        }
        const place = value?.adopted?.place;
        terminal.say(place === undefined ? `removed ${name}` : `forgot ${name}: ${place} is as it was`);
      });
    }
    return 0;
  },
};
