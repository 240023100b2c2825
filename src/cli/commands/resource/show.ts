import { resourceNamed } from '../../../flows/resource.ts';
import { writeProfiles } from '../../../formats/profile.ts';
import { houseOf } from '../../settings.ts';
import type { Verb } from '../../verb.ts';

export const verb: Verb = {
  summary: 'Show the settings of one place.',
  usage: ['resource show NAME'],
  operands: [1, 1],
  command: 'none',
  options: [],
  examples: [['repronim resource show lab', '']],
  async run({ terminal, operands }) {
    const [name = ''] = operands;
    const resource = resourceNamed(name, houseOf(terminal));
    if (terminal.json) terminal.value(resource);
    else terminal.answer(writeProfiles([resource], 'toml').trimEnd());
    return 0;
  },
};
