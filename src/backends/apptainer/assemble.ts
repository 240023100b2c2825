import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { BackendContext, ImageRecord, Rootfs } from '../../contract/index.ts';
import { architectureOf } from '../../formats/image/facts.ts';
import { writeSquashfs } from '../../formats/image/squashfs.ts';
import { sifLabels, writeSif } from '../../formats/image/write-sif.ts';
import { clampTimes } from '../../roots/clamp-times.ts';
import { layerOf } from '../../roots/layer.ts';
import type { ApptainerParams } from './params.ts';

/**
 * The image: as a sandbox, the tree as it was laid (nothing is copied, instances only lay over it); as a SIF, a file
 * that is written once, by ourselves: nothing runs to make it, and two of one lock are the same bytes.
 */
export async function assemble(
  rootfs: Rootfs,
  { format }: ApptainerParams,
  context: BackendContext,
): Promise<ImageRecord> {
  const image = { backend: 'apptainer', rootfs: rootfs.digest };
  if (format === 'sandbox') return { ...image, reference: rootfs.directory };
  const reference = join(context.state, sifName);
  if (existsSync(reference)) return { ...image, reference };
  await context.record({ reference });
  const squashfs = join(context.state, 'root.squashfs');
  const beside = join(context.state, 'new.sif');
  for (const left of [squashfs, beside]) await rm(left, { force: true });
  try {
    let done = 0;
    const onBytes = (bytes: number) =>
      context.onProgress({ step: 'create', what: 'packing a SIF', done: (done += bytes), unit: 'bytes' });
    await writeSquashfs(clampTimes(layerOf(rootfs, onBytes), rootfs.laid ?? Infinity), squashfs, context.signal);
    const architecture = await architectureOf(rootfs.directory);
    const labels = sifLabels(architecture, { 'org.repronim.lock': `sha256:${rootfs.digest}` });
    await writeSif({ squashfs, architecture, labels, spec: undefined }, beside);
    await rename(beside, reference);
  } finally {
    for (const left of [squashfs, beside]) await rm(left, { force: true });
  }
  return { ...image, reference };
}

/** Only a file of ours is removed: the tree of a sandbox is the rootfs. */
export async function removeImage({ reference }: ImageRecord): Promise<void> {
  if (reference.endsWith(`/${sifName}`)) await rm(reference, { force: true });
}

const sifName = 'image.sif';
