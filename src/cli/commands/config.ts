import { loadConfig } from '../../formats/config.ts';
import { places } from '../../inventory/places.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Print the settings that hold, and where each comes from.',
  usage: ['config'],
  operands: [0, 0],
  command: 'none',
  options: [],
  examples: [['repronim config', '']],
  async run({ terminal }) {
    const where = places(process.env);
    const entries = loadConfig({ env: process.env, home: where.config }).entries();
    if (terminal.json) {
      terminal.value({ places: where, entries });
      return 0;
    }
    for (const [name, path] of Object.entries(where)) terminal.answer(`${name.padEnd(8)} ${path}`);
    for (const { key, value, from } of entries) terminal.answer(`${key} = ${JSON.stringify(value)}    ${from}`);
    return 0;
  },
};
