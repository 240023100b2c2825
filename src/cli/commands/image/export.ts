import { basename } from 'node:path';

import { UserError } from '../../../model/index.ts';
import { exportImage, imageFormats, type ImageFormat } from '../../../flows/image/export.ts';
import { findImage } from '../../../flows/image/find.ts';
import { nameOf } from '../../../flows/image/list.ts';
import { size } from '../../render/numbers.ts';
import { houseOf } from '../../settings.ts';
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
  ],
  async run({ terminal, operands, options }) {
    const [word = ''] = operands;
    const file = options.text('output');
    if (file === undefined)
      throw new UserError('-o FILE is missing', { status: 2, hint: 'usage: repronim image export IMAGE -o FILE' });
    const format = formatOf(options.text('format'), file);
    const house = houseOf(terminal);
    const image = await findImage(word, house);
    if (options.flag('dryRun')) {
      terminal.answer(`would write ${nameOf(image)} to ${file} as ${format}`);
      return 0;
    }
    const done = await exportImage(image, file, format, house);
    if (terminal.json) terminal.value(done);
    else terminal.answer(`${done.file}  ${done.format}  ${size(done.size)}  sha256:${done.sha256}`);
    if (done.spec !== undefined) terminal.say(`          its spec is beside it: ${done.spec}`);
    return 0;
  },
};

const endings: readonly (readonly [RegExp, ImageFormat])[] = [
  [/\.oci\.tar$/, 'oci-archive'],
  [/\.docker\.tar$/, 'docker-archive'],
  [/\.(?:tar|tar\.gz|tgz|tar\.zst|tzst)$/, 'tar'],
  [/\.(?:squashfs|sqfs|sqsh)$/, 'squashfs'],
  [/\.sif$/, 'sif'],
  [/\.oci\/?$|\/$/, 'oci'],
];

function formatOf(named: string | undefined, file: string): ImageFormat {
  const known = imageFormats.find((format) => format === named);
  if (known !== undefined) return known;
  const [, format] = endings.find(([ending]) => ending.test(file)) ?? [];
  if (format !== undefined) return format;
  throw new UserError(`what is ${basename(file)} to be?`, {
    status: 2,
    hint: `--format ${imageFormats.join(', ')}; or a name that ends in .tar, .oci.tar, .docker.tar, .squashfs, .sif, .oci`,
  });
}
