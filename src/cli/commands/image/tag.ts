import { tagImage } from '../../../flows/image/tag.ts';
import { hallOf } from '../../hall-of.ts';
import type { Verb } from '../../verb.ts';

export const verb: Verb = {
  summary: 'Give an image a name.',
  usage: ['image tag IMAGE TAG'],
  operands: [2, 2],
  command: 'none',
  options: [],
  examples: [
    ['repronim image tag study:1 study:latest', ''],
    ['repronim image tag 5f0c1a2b3c4d study:1', 'by the digest that image ls shows'],
  ],
  async run({ terminal, operands }) {
    const [word = '', tag = ''] = operands;
    const { digest, tags } = await tagImage(word, tag, hallOf(terminal));
    if (terminal.json) terminal.value({ digest: `sha256:${digest}`, tags });
    else terminal.say(`${digest.slice(0, 12)} is ${(tags ?? []).join(', ')}`);
    return 0;
  },
};
