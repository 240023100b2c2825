import { attach } from '../../flows/attach.ts';
import { houseOf } from '../settings.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Start environments, so that they stay up between commands.',
  usage: ['start NAME …'],
  operands: [1, 100],
  command: 'none',
  options: [],
  examples: [['repronim start study', '']],
  async run({ terminal, operands }) {
    const house = houseOf(terminal);
    for (const name of operands) {
      const { instance } = await attach(name, house);
      await instance.start();
      terminal.say(`${name} is ${await instance.status()}`);
    }
    return 0;
  },
};
