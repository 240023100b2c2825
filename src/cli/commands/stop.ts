import { attach } from '../../flows/attach.ts';
import { hallOf } from '../hall-of.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Stop environments: what runs in them ends, what they hold stays.',
  usage: ['stop NAME …'],
  operands: [1, 100],
  command: 'none',
  options: [],
  examples: [['repronim stop study', '']],
  async run({ terminal, operands }) {
    const hall = hallOf(terminal);
    for (const name of operands) {
      const { instance } = await attach(name, hall);
      await instance.stop();
      terminal.say(`${name} is ${await instance.status()}`);
    }
    return 0;
  },
};
