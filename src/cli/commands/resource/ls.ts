import { resourcesOf } from '../../../flows/resource.ts';
import { tableLines } from '../../render/table.ts';
import { houseOf } from '../../settings.ts';
import type { Verb } from '../../verb.ts';

export const verb: Verb = {
  summary: 'List the places that have names.',
  usage: ['resource ls'],
  operands: [0, 0],
  command: 'none',
  options: [],
  examples: [['repronim resource ls', '']],
  async run({ terminal }) {
    const resources = resourcesOf(houseOf(terminal));
    if (terminal.json) terminal.value(resources);
    else if (resources.length === 0) terminal.say('no resources yet: repronim resource add makes one');
    else {
      const rows = resources.map(({ name, backend, set }) => [name, backend, settingsOf(set).join(' ')]);
      for (const line of tableLines([['name', 'backend', 'settings'], ...rows])) terminal.answer(line);
    }
    return 0;
  },
};

function settingsOf(set: Readonly<Record<string, string>>): string[] {
  return Object.entries(set).map(([key, value]) => `${key}=${value}`);
}
