import { attach } from '../../flows/attach.ts';
import { atOnce, expandGroups, inTurns } from '../../flows/group/members.ts';
import { hallOf } from '../hall-of.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Start environments, so that they stay up between commands.',
  usage: ['start NAME|GROUP …'],
  operands: [1, 100],
  command: 'none',
  options: [],
  examples: [['repronim start study', '']],
  async run({ terminal, operands }) {
    const hall = hallOf(terminal);
    await inTurns(await expandGroups(operands, hall), atOnce, async (name) => {
      const { instance } = await attach(name, hall);
      await instance.start();
      terminal.say(`${name} is ${await instance.status()}`);
    });
    return 0;
  },
};
