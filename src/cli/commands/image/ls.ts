import { listImages, originOf } from '../../../flows/image/list.ts';
import { tableLines } from '../../render/table.ts';
import { hallOf } from '../../hall-of.ts';
import type { Verb } from '../../verb.ts';

export const verb: Verb = {
  summary: 'List images: their names, digests, and what is made from them.',
  usage: ['image ls'],
  operands: [0, 0],
  command: 'none',
  options: [],
  examples: [
    ['repronim image ls', ''],
    ['repronim image ls --json', 'whole digests, for programs'],
  ],
  async run({ terminal }) {
    const listed = await listImages(hallOf(terminal));
    if (terminal.json) {
      terminal.value(listed);
      return 0;
    }
    if (listed.length === 0) {
      terminal.say('no images: repronim image build SPEC -t TAG makes one');
      return 0;
    }
    const rows = listed.map(({ digest, tags, backends, instances, ...rest }) => [
      tags.length === 0 ? '-' : tags.join(', '),
      digest.slice(0, 12),
      backends.length === 0 ? '-' : backends.join(', '),
      instances.length === 0 ? '-' : instances.join(', '),
      originOf(rest),
    ]);
    for (const line of tableLines([['image', 'digest', 'backends', 'instances', 'origin'], ...rows]))
      terminal.answer(line);
    return 0;
  },
};
