import { findImage, specOfImage } from '../../../flows/image/find.ts';
import { listImages, originOf } from '../../../flows/image/list.ts';
import { houseOf } from '../../settings.ts';
import type { Verb } from '../../verb.ts';

export const verb: Verb = {
  summary: 'Show one image: where its tree is, what it was made from, and who uses it.',
  usage: ['image show IMAGE'],
  operands: [1, 1],
  command: 'none',
  options: [],
  examples: [
    ['repronim image show study:1', ''],
    ['repronim image show --json study:1', 'with its spec'],
  ],
  async run({ terminal, operands }) {
    const [word = ''] = operands;
    const house = houseOf(terminal);
    const image = await findImage(word, house);
    const spec = await specOfImage(image, house);
    const listed = (await listImages(house)).find(({ digest }) => digest === image.digest);
    if (terminal.json) {
      terminal.value({ ...listed, directory: image.directory, spec });
      return 0;
    }
    const packages = house.distributions.flatMap((plugin) =>
      (spec?.distributions ?? []).flatMap((entry) => (entry.type === plugin.type ? [plugin.title] : [])),
    );
    const lines: [string, string][] = [
      ['image', listed?.tags.join(', ') || '-'],
      ['digest', `sha256:${image.digest}`],
      ['tree', image.directory],
      ['origin', originOf(image)],
      ['spec', spec === undefined ? 'none' : packages.join(', ')],
      ['backends', listed?.backends.join(', ') || '-'],
      ['instances', listed?.instances.join(', ') || '-'],
    ];
    for (const [key, value] of lines) terminal.answer(`${key.padEnd(9)}  ${value}`);
    return 0;
  },
};
