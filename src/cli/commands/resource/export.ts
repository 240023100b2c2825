import { resourceNamed, resourcesOf } from '../../../flows/resource.ts';
import { refuseSecrets, writeProfiles } from '../../../formats/profile.ts';
import { writeWhole } from '../../../formats/write-whole.ts';
import { refuseToOverwrite } from '../../refuse.ts';
import { houseOf } from '../../settings.ts';
import type { Verb } from '../../verb.ts';

export const verb: Verb = {
  summary: 'Write places as a file for others: no secret is in it.',
  usage: ['resource export [NAME …] [-o FILE]'],
  operands: [0, 32],
  command: 'none',
  options: [
    {
      flags: '-o, --output <file>',
      says: 'where to write it; .json or .toml',
      otherwise: 'standard output',
      matters: true,
    },
    { flags: '-f, --force', says: 'replace another file' },
  ],
  examples: [
    ['repronim resource export lab -o lab.toml', 'for others: repronim resource import lab.toml'],
    ['repronim resource export --json', 'all of them'],
  ],
  async run({ terminal, operands, options }) {
    const house = houseOf(terminal);
    const resources = operands.length === 0 ? resourcesOf(house) : operands.map((name) => resourceNamed(name, house));
    for (const resource of resources) refuseSecrets(resource);
    const file = options.text('output') ?? '-';
    const text = writeProfiles(resources, terminal.json || file.endsWith('.json') ? 'json' : 'toml');
    refuseToOverwrite([file], options);
    if (file === '-') terminal.answer(text.trimEnd());
    else {
      await writeWhole(file, text);
      terminal.say(`wrote ${file}`);
    }
    return 0;
  },
};
