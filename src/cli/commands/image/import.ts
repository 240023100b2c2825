import { importImage } from '../../../flows/image/import.ts';
import { nameOf } from '../../../flows/image/list.ts';
import { houseOf } from '../../settings.ts';
import type { Verb } from '../../verb.ts';

export const verb: Verb = {
  summary: 'Take in an image: a file of any of the formats, or what is at a place.',
  usage: ['image import FILE|BUNDLE|PLACE|NAME -t TAG [--spec SPEC]'],
  operands: [1, 1],
  command: 'none',
  options: [
    { flags: '-t, --tag <tag...>', says: 'a name for it; may be given several times', matters: true },
    { flags: '--spec <file>', says: 'what it is said to be', otherwise: 'the spec that came with it', matters: true },
  ],
  examples: [
    ['repronim image import study.oci.tar -t study:1', 'its spec comes along'],
    ['repronim image import docker:debian:bookworm -t stock', 'what a docker daemon has; nothing is pulled'],
    ['repronim image import study -t study:1', 'the tree of an environment as it is now, for another backend'],
  ],
  async run(invocation) {
    const { terminal, operands, options } = invocation;
    const [from = ''] = operands;
    // a bundle has no tree, but what it is made from
    if (from.endsWith('.repronim')) return await (await import('./build.ts')).verb.run(invocation);
    const spec = options.text('spec');
    const image = await importImage(
      from,
      { tags: options.list('tag'), ...(spec === undefined ? {} : { spec }) },
      houseOf(terminal),
    );
    if (terminal.json) terminal.value({ digest: `sha256:${image.digest}`, tags: image.tags, spec: image.spec });
    else terminal.answer(`${nameOf(image)}  sha256:${image.digest}`);
    if (image.spec === undefined) {
      terminal.say('          it has no spec: it can be used and compared, but there is nothing to verify it against');
    }
    return 0;
  },
};
