import { createHash, type Hash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { copyFile, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip, createZstdCompress } from 'node:zlib';

import { UserError, type Digest } from '../../model/index.ts';
import { dockerFiles } from '../../formats/image/docker-archive.ts';
import { architectureOf, commandOf } from '../../formats/image/facts.ts';
import { writeMembers, type ArchiveFile } from '../../formats/image/members.ts';
import { ociFiles } from '../../formats/image/oci.ts';
import { writeSquashfs } from '../../formats/image/squashfs.ts';
import { sifLabels, writeSif } from '../../formats/image/write-sif.ts';
import type { RootfsValue } from '../../inventory/inventory.ts';
import { clampTimes } from '../../roots/clamp-times.ts';
import { layerOf } from '../../roots/layer.ts';
import { rootfsOf } from '../create/build-rootfs.ts';
import { withWork } from '../create-context.ts';
import type { House } from '../house.ts';
import { specOfImage } from './find.ts';
import { nameOf } from './list.ts';

/** What a tree can be written as; the words are skopeo's (containers-transports(5)) where it has them. */
const treeFormats = ['tar', 'docker-archive', 'oci', 'oci-archive', 'squashfs', 'sif'] as const;
/** And what it was made from: the spec, and what that can't be re-created without. */
export const imageFormats = [...treeFormats, 'bundle'] as const;
type TreeFormat = (typeof treeFormats)[number];
export type ImageFormat = (typeof imageFormats)[number];

export interface Exported {
  readonly file: string;
  readonly format: ImageFormat;
  /** In bytes; of a folder, the sum of its files. */
  readonly size: number;
  /** Of the file; of an OCI layout, that of its index. */
  readonly sha256: string;
  /** Where the spec went that could not be put into it. */
  readonly spec?: string;
}

/**
 * Writes an image as a file (for `oci`: a folder). The same image is the same bytes each time, and so are two builds of
 * one lock: what was generated has no time.
 */
export async function exportImage(
  image: RootfsValue,
  file: string,
  format: TreeFormat,
  house: House,
): Promise<Exported> {
  const target = resolve(file);
  await mkdir(dirname(target), { recursive: true });
  const spec = await specText(image, house);
  const beside = join(dirname(target), `.${basename(target)}.${process.pid}.new`);
  await rm(beside, { recursive: true, force: true });
  try {
    const done = await withWork(house, async (work) => await write(image, beside, format, spec, work, house, target));
    await put(beside, target, format);
    const inside = spec === undefined || (format !== 'tar' && format !== 'squashfs');
    if (!inside) await writeFile(`${target}.yaml`, spec);
    return { file, format, ...done, ...(inside ? {} : { spec: `${file}.yaml` }) };
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

async function write(
  image: RootfsValue,
  beside: string,
  format: TreeFormat,
  spec: string | undefined,
  work: string,
  house: House,
  target: string,
): Promise<{ size: number; sha256: string }> {
  const { signal } = house;
  let read = 0;
  const onBytes = (bytes: number) =>
    house.onProgress({ step: 'export', what: `${nameOf(image)} as ${format}`, done: (read += bytes), unit: 'bytes' });
  const layer = () => clampTimes(layerOf(rootfsOf(image), onBytes), image.laid ?? Infinity);
  if (format === 'squashfs') {
    await writeSquashfs(layer(), beside, signal);
    return await summed(beside);
  }
  if (format === 'tar') return await save(compressed(layer(), target), beside, signal);

  const labels = labelsOf(image);
  if (format === 'sif') {
    const squashfs = join(work, 'root.squashfs');
    await writeSquashfs(layer(), squashfs, signal);
    const architecture = await architectureOf(image.directory);
    await writeSif({ squashfs, architecture, labels: sifLabels(architecture, labels), spec }, beside);
    return await summed(beside);
  }
  const facts = {
    architecture: await architectureOf(image.directory),
    command: await commandOf(image.directory),
    labels,
  };
  const name = nameOf(image).includes(':') ? nameOf(image) : `${nameOf(image)}:latest`;
  if (format === 'docker-archive') {
    const uncompressed = join(work, 'layer.tar');
    const { sha256, size } = await save(layer(), uncompressed, signal);
    const files = dockerFiles(
      { ...facts, layer: `sha256:${sha256}`, uncompressed: { file: uncompressed, size } },
      name,
      spec,
    );
    return await save(writeMembers(files), beside, signal);
  }
  const packed = join(work, 'layer.tar.gz');
  const plain = createHash('sha256');
  const { sha256, size } = await save(gzip(hashing(layer(), plain)), packed, signal);
  const files = ociFiles({
    ...facts,
    layer: digest(plain.digest('hex')),
    compressed: { digest: digest(sha256), size, file: packed },
    spec,
    name,
    annotations: { ...(await annotationsOf(image, house)), ...labels },
  });
  return format === 'oci-archive' ? await save(writeMembers(files), beside, signal) : await writeFolder(files, beside);
}

async function writeFolder(files: readonly ArchiveFile[], folder: string): Promise<{ size: number; sha256: string }> {
  let size = 0;
  let index = '';
  for (const { name, content } of files) {
    const file = join(folder, name);
    await mkdir(dirname(file), { recursive: true });
    if (Buffer.isBuffer(content)) {
      await writeFile(file, content);
      size += content.length;
      if (name === 'index.json') index = createHash('sha256').update(content).digest('hex');
    } else {
      await rename(content.file, file).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EXDEV') throw error;
        await copyFile(content.file, file);
      });
      size += content.size;
    }
  }
  return { size, sha256: index };
}

/** A file is replaced; of folders only an empty one, or a layout of an earlier time. */
async function put(beside: string, target: string, format: TreeFormat): Promise<void> {
  if (format === 'oci') {
    const layout = await stat(join(target, 'oci-layout')).catch(() => undefined);
    const there = await stat(target).catch(() => undefined);
    if (there !== undefined && layout !== undefined) await rm(target, { recursive: true });
  }
  await rename(beside, target).catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`${target} cannot be written (${error.code ?? 'error'})`, {
      hint: 'name a file that is not there, or delete what is',
      cause: error,
    });
  });
}

function compressed(tar: AsyncIterable<Uint8Array>, target: string): AsyncIterable<Uint8Array> {
  if (/\.(?:tgz|tar\.gz)$/.test(target)) return gzip(tar);
  if (!/\.(?:tzst|tar\.zst)$/.test(target)) return tar;
  const zstd = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 3 } });
  return through(tar, zstd);
}

function gzip(tar: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return through(tar, createGzip({ level: 6, chunkSize: 256 * 1024 }));
}

function through(from: AsyncIterable<Uint8Array>, into: NodeJS.ReadWriteStream): AsyncIterable<Uint8Array> {
  pipeline(Readable.from(from), into).catch((error: Error) => (into as unknown as Readable).destroy(error));
  return into as unknown as AsyncIterable<Uint8Array>;
}

async function* hashing(from: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const piece of from) {
    hash.update(piece);
    yield piece;
  }
}

async function save(
  from: AsyncIterable<Uint8Array>,
  file: string,
  signal: AbortSignal,
): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256');
  await pipeline(Readable.from(hashing(from, hash)), createWriteStream(file), { signal });
  return { size: (await stat(file)).size, sha256: hash.digest('hex') };
}

async function summed(file: string): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256');
  const handle = await open(file);
  try {
    for await (const piece of handle.createReadStream({ autoClose: false })) hash.update(piece as Buffer);
    return { size: (await handle.stat()).size, sha256: hash.digest('hex') };
  } finally {
    await handle.close();
  }
}

async function specText(image: RootfsValue, house: House): Promise<string | undefined> {
  const stored = image.spec === undefined ? undefined : await house.store.find(image.spec);
  if (stored === undefined) return undefined;
  return await readFile(stored, 'utf8');
}

/** What every form says of an image that has room for it. */
function labelsOf({ digest: tree, opaque, from }: RootfsValue): Readonly<Record<string, string>> {
  return {
    'org.repronim.lock': `sha256:${tree}`,
    ...(opaque === true ? { 'org.repronim.opaque': `commit of ${from ?? ''}` } : {}),
  };
}

/** Where it comes from, in the words of image-spec's annotations.md: what it is on top of, and the work in it. */
async function annotationsOf(image: RootfsValue, house: House): Promise<Readonly<Record<string, string>>> {
  const spec = await specOfImage(image, house);
  const base = spec?.lock?.from ?? (image.base === undefined ? undefined : digest(image.base));
  const [, baseName] = /^(?:docker|podman):(.+)$/.exec((await baseOfImage(image, house))?.from ?? '') ?? [];
  const work = spec?.distributions
    .map((entry) => entry as { readonly remote?: unknown; readonly commit?: unknown })
    .find(({ remote }) => typeof remote === 'string' && /^https?:/.test(remote));
  const said = {
    'base.digest': base,
    'base.name': baseName,
    source: work?.remote,
    revision: work?.commit,
  };
  return Object.fromEntries(
    Object.entries(said).flatMap(([key, value]) =>
      typeof value === 'string' ? [[`org.opencontainers.image.${key}`, value]] : [],
    ),
  );
}

async function baseOfImage({ base }: RootfsValue, house: House): Promise<RootfsValue | undefined> {
  const held = base === undefined ? undefined : await house.inventory.rootfs.find(base);
  return held?.value;
}

function digest(sha256: string): Digest {
  return `sha256:${sha256}`;
}
