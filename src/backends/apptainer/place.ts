import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { UserError } from '../../model/index.ts';
import type { PlaceOpener } from '../../contract/index.ts';
import { sifToTar } from '../../formats/image/open-sif.ts';
import { tarRoot } from '../../roots/tar.ts';
import type { ApptainerParams } from './params.ts';

/** An image that is one file, made by whomever: it is read by ourselves, and nothing is started or mounted. */
export const sifPlace: PlaceOpener<ApptainerParams> = {
  word: 'sif',
  operand: 'FILE',
  async open(reference, _params, { signal }) {
    const file = resolve(reference);
    const there = await stat(file).catch(() => undefined);
    if (there?.isFile() !== true) throw new UserError(`${file} is not a file`, { status: 2 });
    const work = await mkdtemp(join(tmpdir(), 'repronim-sif-'));
    try {
      const tar = join(work, 'root.tar');
      await sifToTar(file, tar, signal);
      // it is read by its descriptor from here on
      return await tarRoot(tar, `sif:${reference}`, { signal });
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  },
};
