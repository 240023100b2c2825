import { listInstances } from '../../flows/list.ts';
import { instanceLines } from '../render/instances.ts';
import { houseOf } from '../settings.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'List environments: their names, backends, and how they are.',
  usage: ['ls'],
  operands: [0, 0],
  command: 'none',
  options: [],
  examples: [
    ['repronim ls', ''],
    ['repronim ls --json', 'for programs'],
  ],
  async run({ terminal }) {
    const listed = await listInstances(houseOf(terminal));
    if (terminal.json) terminal.value(listed);
    else if (listed.length === 0) terminal.say('no environments yet: repronim create makes one');
    else for (const line of instanceLines(listed)) terminal.answer(line);
    return 0;
  },
};
