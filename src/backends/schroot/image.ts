import { createWriteStream, existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { BackendContext, ImageRecord, Rootfs } from '../../contract/index.ts';
import { clampTimes } from '../../roots/clamp-times.ts';
import { layerOf } from '../../roots/layer.ts';
import type { SchrootParams } from './params.ts';

/** Of type directory, the tree as it was laid is the image; of type file, a tar of it in the image's own folder. */
export async function assemble(rootfs: Rootfs, params: SchrootParams, context: BackendContext): Promise<ImageRecord> {
  const record: ImageRecord = { backend: 'schroot', reference: rootfs.directory, rootfs: rootfs.digest };
  const file = join(context.state, 'rootfs.tar');
  if (params.type === 'directory' && !existsSync(file)) return record;
  const facts = { file };
  await context.record(facts);
  if (!existsSync(file)) {
    const fresh = `${file}.new`;
    let done = 0;
    const report = (bytes: number) =>
      context.onProgress({ step: 'create', what: 'schroot tar', done: (done += bytes), unit: 'bytes' });
    try {
      const layer = clampTimes(layerOf(rootfs, report), rootfs.laid ?? Infinity);
      const written = createWriteStream(fresh, { mode: 0o600 });
      await pipeline(Readable.from(layer), written, { signal: context.signal });
      renameSync(fresh, file);
    } finally {
      rmSync(fresh, { force: true });
    }
  }
  return { ...record, facts };
}

/** The rootfs is not ours; the tar goes. */
export async function removeImage({ facts }: ImageRecord): Promise<void> {
  const file = facts?.['file'];
  if (typeof file === 'string') for (const path of [file, `${file}.new`]) rmSync(path, { force: true });
}
