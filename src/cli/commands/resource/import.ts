import { readFile } from 'node:fs/promises';

import { UserError } from '../../../model/index.ts';
import { addResources } from '../../../flows/resource.ts';
import { parseProfiles } from '../../../formats/profile.ts';
import { houseOf } from '../../settings.ts';
import type { Verb } from '../../verb.ts';

export const verb: Verb = {
  summary: 'Take in places that somebody else has written down.',
  usage: ['resource import FILE'],
  operands: [1, 1],
  command: 'none',
  options: [
    { flags: '-n, --dry-run', says: 'say what would be done, and do nothing', matters: true },
    { flags: '-f, --force', says: 'replace what has that name', matters: true },
  ],
  examples: [
    ['repronim resource import lab.toml', ''],
    ['repronim resource import -n lab.toml', 'look first'],
  ],
  async run({ terminal, operands, options }) {
    const [file = ''] = operands;
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new UserError(`${file}: it cannot be read (${error.code ?? 'error'})`, { status: 2 });
    });
    const profiles = parseProfiles(text, file);
    const names = profiles.map(({ name }) => name).join(', ');
    if (options.flag('dryRun')) {
      terminal.answer(`would add ${names}`);
      return 0;
    }
    await addResources(profiles, options.flag('force'), houseOf(terminal));
    if (terminal.json) terminal.value(profiles);
    terminal.say(`added ${names}`);
    return 0;
  },
};
