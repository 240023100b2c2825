import { examineResource, resourceNamed, resourcesOf } from '../../../flows/resource.ts';
import { tableLines } from '../../render/table.ts';
import { houseOf } from '../../settings.ts';
import type { Verb } from '../../verb.ts';

export const verb: Verb = {
  summary: 'Say which places can be used now, and why the others can not.',
  usage: ['resource doctor [NAME …]'],
  operands: [0, 32],
  command: 'none',
  options: [],
  examples: [
    ['repronim resource doctor', 'all of them'],
    ['repronim resource doctor lab', ''],
  ],
  async run({ terminal, operands }) {
    const house = houseOf(terminal);
    const resources = operands.length === 0 ? resourcesOf(house) : operands.map((name) => resourceNamed(name, house));
    const found = await Promise.all(
      resources.map(async (resource) => ({ ...resource, ...(await examineResource(resource, house)) })),
    );
    if (terminal.json) terminal.value(found);
    else {
      const rows = found.map((one) => [
        one.name,
        one.backend,
        one.usable ? 'yes' : 'no',
        one.usable ? one.detail : `${one.because}; ${one.hint}`,
      ]);
      for (const line of tableLines([['resource', 'backend', 'usable?', 'why not, and what to do'], ...rows])) {
        terminal.answer(line);
      }
    }
    return found.every(({ usable }) => usable) ? 0 : 4;
  },
};
