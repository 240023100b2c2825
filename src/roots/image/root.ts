import { closeSync } from 'node:fs';
import { posix } from 'node:path';

import { UserError } from '../../model/index.ts';
import { compressionOf, decompress, mostUnpacked } from '../decompress.ts';
import { tarIndexer } from '../tar-index.ts';
import { openSpool } from '../tar.ts';
import { readAll, tarView, type TarRoot } from '../tar-view.ts';
import type { ImageFiles } from './files.ts';
import {
  checkDigest,
  chooseImage,
  chooseSaved,
  digester,
  readDiffIds,
  readIndex,
  readManifest,
  readSaved,
  type Descriptor,
  type ImageParts,
} from './manifest.ts';

interface ImageOptions {
  /** Which one, where the files hold several: a tag or a name. */
  readonly wanted?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The OCI image-spec lets no manifest be larger. */
const largestJson = 4 * 1024 * 1024;
const deepestIndex = 4;

/**
 * The root of an image that is kept in files, its layers laid one over the other with their whiteouts: what `docker
 * save` writes (https://github.com/moby/docker-image-spec), or an OCI layout (image-layout.md of the OCI image-spec).
 * Undefined where the files are something else. Every digest is checked. Throws UserError for what is broken.
 */
export async function imageRoot(
  files: ImageFiles,
  label: string,
  options: ImageOptions = {},
): Promise<TarRoot | undefined> {
  const parts = (await savedParts(files, label, options.wanted)) ?? (await layoutParts(files, label, options.wanted));
  return parts === undefined ? undefined : await layeredRoot(parts, files, label, options);
}

async function savedParts(files: ImageFiles, label: string, wanted?: string): Promise<ImageParts | undefined> {
  const bytes = await files.read('/manifest.json', largestJson);
  const images = bytes === undefined ? undefined : readSaved(bytes);
  if (images === undefined) return undefined;
  const { config, layers } = chooseSaved(images, wanted, label);
  const content = await files.read(posix.join('/', config), largestJson);
  if (content === undefined) throw new UserError(`${label} lacks the configuration of its image, ${config}`);
  const digest = /(?:^|\/)([0-9a-f]{64})(?:\.json)?$/.exec(config)?.[1];
  if (digest !== undefined) checkDigest(content, `sha256:${digest}`, label);
  return partsOf(
    content,
    layers.map((path) => ({ path: posix.join('/', path), name: path })),
    label,
  );
}

async function layoutParts(files: ImageFiles, label: string, wanted?: string): Promise<ImageParts | undefined> {
  const layout = await files.read('/oci-layout', largestJson);
  const index = layout === undefined ? undefined : await files.read('/index.json', largestJson);
  if (index === undefined) return undefined;
  const blob = async ({ digest }: Descriptor): Promise<Buffer> => {
    const content = await files.read(blobPath(digest, label), largestJson);
    if (content === undefined) throw new UserError(`${label} lacks ${digest}, or it is too large`);
    checkDigest(content, digest, label);
    return content;
  };
  let entries = readIndex(index);
  let name = wanted;
  for (let depth = 0; entries !== undefined && depth < deepestIndex; depth += 1) {
    const content = await blob(chooseImage(entries, name, label));
    const manifest = readManifest(content);
    if (manifest !== undefined) {
      const layers = manifest.layers.map(({ digest }) => ({ path: blobPath(digest, label), name: digest }));
      return partsOf(await blob(manifest.config), layers, label);
    }
    name = undefined; // one image for several machines
    entries = readIndex(content);
  }
  throw new UserError(`${label} is an OCI layout, but what its index names is no image`);
}

function partsOf(
  config: Buffer,
  layers: readonly { readonly path: string; readonly name: string }[],
  label: string,
): ImageParts {
  const ids = readDiffIds(config);
  if (ids === undefined || ids.length !== layers.length) {
    throw new UserError(`${label} is no image of a root: its configuration does not fit its ${layers.length} layers`);
  }
  return { layers: layers.map((layer, index) => ({ ...layer, diffId: ids[index] ?? '' })) };
}

async function layeredRoot(
  { layers }: ImageParts,
  files: ImageFiles,
  label: string,
  { signal }: ImageOptions,
): Promise<TarRoot> {
  const spool = openSpool();
  try {
    const indexer = tarIndexer({ descriptor: spool, keep: () => true }, { signal });
    for (const { path, name, diffId } of layers) {
      const extent = await files.open(path);
      if (extent === undefined) throw new UserError(`${label} lacks its layer ${name}`);
      const compression = compressionOf(readAll(extent, Math.min(6, extent.size)));
      const limit = mostUnpacked(extent.size);
      const from = { fd: extent.descriptor, offset: extent.at, size: extent.size };
      const tapped = tap(decompress(from, compression, limit, `${label}, layer ${name}`), digester(diffId, label));
      indexer.cover();
      try {
        await indexer.add(tapped.stream, compression === 'none' ? extent : undefined);
        const found = await tapped.finish();
        if (!diffId.endsWith(`:${found}`)) {
          throw new UserError(`${label} is broken: its layer ${name} is not what its configuration says`);
        }
      } finally {
        await tapped.close();
      }
    }
    return tarView(indexer.index, label, () => {
      closeSync(spool);
      files[Symbol.dispose]();
    });
  } catch (error) {
    closeSync(spool);
    throw error;
  }
}

/** A stream whose bytes are hashed as they are taken; `finish` takes the rest: a tar ends before its file does. */
function tap(stream: AsyncGenerator<Uint8Array, void, undefined>, hash: ReturnType<typeof digester>) {
  const next = async (): Promise<IteratorResult<Uint8Array, void>> => {
    const piece = await stream.next();
    if (piece.done !== true) hash.update(piece.value);
    return piece;
  };
  return {
    stream: { [Symbol.asyncIterator]: () => ({ next }) },
    async finish(): Promise<string> {
      while ((await next()).done !== true);
      return hash.digest('hex');
    },
    async close(): Promise<void> {
      await stream.return();
    },
  };
}

function blobPath(digest: string, label: string): string {
  digester(digest, label); // it has no other bytes than those of a digest
  return `/blobs/${digest.replace(':', '/')}`;
}
