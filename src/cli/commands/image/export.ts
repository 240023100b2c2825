import { basename } from 'node:path';

import { UserError } from '../../../model/index.ts';
import { exportImage, imageFormats, type Exported, type ImageFormat } from '../../../flows/image/export.ts';
import { exportBundle } from '../../../flows/image/export-bundle.ts';
import type { House } from '../../../flows/house.ts';
import { findImage } from '../../../flows/image/find.ts';
import { nameOf } from '../../../flows/image/list.ts';
import { size } from '../../render/numbers.ts';
import { houseOf } from '../../settings.ts';
import type { Terminal } from '../../terminal.ts';
import type { Verb } from '../../verb.ts';

export const verb: Verb = {
  summary: 'Write an image as one file, or as a layout, with its spec.',
  usage: ['image export IMAGE -o FILE [--format FORMAT]'],
  operands: [1, 1],
  command: 'none',
  options: [
    { flags: '-o, --output <file>', says: 'where to write it', matters: true },
    {
      flags: '--format <format>',
      says: 'as what',
      choices: [...imageFormats],
      otherwise: 'by the name of the file',
      matters: true,
    },
    { flags: '-n, --dry-run', says: 'say what would be done, and do nothing', matters: true },
    { flags: '-f, --force', says: 'replace another file' },
  ],
  examples: [
    ['repronim image export study:1 -o study.oci.tar', 'for podman, skopeo, docker ≥ 25'],
    ['repronim image export study:1 -o study.docker.tar', 'for docker load'],
    ['repronim image export study:1 -o study.sif', 'for apptainer'],
    ['repronim image export study -o study.repronim', 'what it is made from, as a bundle'],
  ],
  async run({ terminal, operands, options }) {
    const [word = ''] = operands;
    const file = options.text('output');
    if (file === undefined)
      throw new UserError('-o FILE is missing', { status: 2, hint: 'usage: repronim image export IMAGE -o FILE' });
    const format = formatOf(options.text('format'), file);
    const house = houseOf(terminal);
    if (options.flag('dryRun')) {
      const what = format === 'bundle' ? `what ${word} is made from` : nameOf(await findImage(word, house));
      terminal.answer(`would write ${what} to ${file} as ${format}`);
      return 0;
    }
    const done =
      format === 'bundle'
        ? await exportBundle(word, file, house)
        : await exportTree(word, file, format, { house, terminal });
    if (terminal.json) terminal.value(done);
    else terminal.answer(`${done.file}  ${done.format}  ${size(done.size)}  sha256:${done.sha256}`);
    if (done.spec !== undefined) terminal.say(`          its spec is beside it: ${done.spec}`);
    return 0;
  },
};

/** Of an instance, it is the tree that it was made from: that is said. */
async function exportTree(
  word: string,
  file: string,
  format: Exclude<ImageFormat, 'bundle'>,
  { house, terminal }: { readonly house: House; readonly terminal: Terminal },
): Promise<Exported> {
  const image = await findImage(word, house);
  const isName = image.digest.startsWith(word.replace(/^sha256:/, '')) || image.tags?.includes(word) === true;
  if (!isName) terminal.say(`          what ${word} was made from; image import takes in what it is now`);
  return await exportImage(image, file, format, house);
}

const endings: readonly (readonly [RegExp, ImageFormat])[] = [
  [/\.oci\.tar$/, 'oci-archive'],
  [/\.docker\.tar$/, 'docker-archive'],
  [/\.(?:tar|tar\.gz|tgz|tar\.zst|tzst)$/, 'tar'],
  [/\.(?:squashfs|sqfs|sqsh)$/, 'squashfs'],
  [/\.sif$/, 'sif'],
  [/\.repronim$/, 'bundle'],
  [/\.oci\/?$|\/$/, 'oci'],
];

function formatOf(named: string | undefined, file: string): ImageFormat {
  const known = imageFormats.find((format) => format === named);
  if (known !== undefined) return known;
  const [, format] = endings.find(([ending]) => ending.test(file)) ?? [];
  if (format !== undefined) return format;
  throw new UserError(`what is ${basename(file)} to be?`, {
    status: 2,
    hint: `--format ${imageFormats.join(', ')}; or a name that ends in .tar, .oci.tar, .docker.tar, .squashfs, .sif, .oci, .repronim`,
  });
}
