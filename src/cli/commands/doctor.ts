import { examine } from '../../flows/doctor.ts';
import { doctorLines } from '../render/doctor.ts';
import { houseOf } from '../settings.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Say what works on this machine, why the rest does not, and what to do. Changes nothing.',
  usage: ['doctor'],
  operands: [0, 0],
  command: 'none',
  options: [],
  examples: [
    ['repronim doctor', ''],
    ['repronim doctor --json', 'for programs'],
  ],
  async run({ terminal }) {
    const findings = await examine(houseOf(terminal));
    if (terminal.json) terminal.value(findings);
    else for (const line of doctorLines(findings)) terminal.answer(line);
    return 0;
  },
};
