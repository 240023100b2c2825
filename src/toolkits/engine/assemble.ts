import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { sha256, UserError } from '../../model/index.ts';
import type { BackendContext, Context, ImageRecord, Rootfs } from '../../contract/index.ts';
import { connectEngine, EngineError, readReports, type Engine } from './client.ts';
import { dropImage, imageArchive, imagesWith, inspectImage, labels, loadImage } from './image.ts';
import { imageConfig } from '../../formats/image/config.ts';
import { architectureOf, commandOf } from '../../formats/image/facts.ts';
import { clampTimes } from '../../roots/clamp-times.ts';
import { layerOf } from '../../roots/layer.ts';
import { describeOriginals } from './originals.ts';
import type { EngineKind } from './kind.ts';
import type { EngineParams } from './params.ts';

/**
 * An image of one layer, which is the rootfs; its id depends on nothing but that. Never pulled; one that is there
 * already for this lock, whole and untouched, is taken.
 */
export async function assemble(
  kind: EngineKind,
  rootfs: Rootfs,
  params: EngineParams,
  context: BackendContext,
): Promise<ImageRecord> {
  const { signal } = context;
  const engine = await connectEngine(kind, params.host, signal);
  const reference = referenceOf(rootfs.digest, params);
  const record = { backend: kind.name, reference, rootfs: rootfs.digest };
  await context.record({ host: engine.address, reference });
  if (await isThere(engine, reference, rootfs.digest)) return record;
  const report = (done: number) =>
    context.onProgress({ step: 'create', what: `${kind.name} image`, done, unit: 'bytes' as const });
  let sent = 0;
  const layer = () =>
    clampTimes(
      layerOf(rootfs, (bytes) => report((sent += bytes))),
      rootfs.laid ?? Infinity,
    );
  const [configOf, unpacks, first] = await Promise.all([configMaker(rootfs), unpacksAtOnce(engine), ahead(layer())]);
  const isImported = unpacks && (await importLayer(engine, rootfs, reference, first, configOf, signal));
  if (!isImported) {
    sent = 0;
    await loadWhole(engine, context.state, reference, unpacks ? layer() : first, configOf, signal);
  }
  await dropParts(engine, rootfs.digest);
  if (!(await isThere(engine, reference, rootfs.digest))) {
    throw new UserError(`${engine.label} took the image but does not have it`);
  }
  return record;
}

/** Removes the image under its name of ours, and what a broken-off `assemble` has left. Idempotent. */
export async function removeImage(
  kind: EngineKind,
  record: ImageRecord,
  params: EngineParams,
  context: Context,
): Promise<void> {
  const { host } = record.facts ?? {};
  const engine = await connectEngine(kind, typeof host === 'string' ? host : params.host, context.signal);
  // one that was cut short has no reference yet
  const image = { ...record, reference: record.reference || referenceOf(record.rootfs, params) };
  const isSeen = await settled(async () => {
    const parts = await dropParts(engine, image.rootfs);
    return (await isOurs(engine, image)) || parts > 0;
  });
  if (!isSeen || !(await isOurs(engine, image)) || (await dropImage(engine, image.reference))) return;
  throw new UserError(`the image ${image.reference} is in use by a container`, {
    hint: `${kind.name} ps -a --filter ancestor=${image.reference} lists what was made from it`,
  });
}

/** Removes the steps towards an image that an `assemble` which was cut short has left; how many there were. */
export async function dropParts(engine: Engine, digest: string): Promise<number> {
  const found = await imagesWith(engine, labels.part, `sha256:${digest}`);
  for (const id of found) await dropImage(engine, id);
  return found.length;
}

/** Whether something is there, now or in a moment: a daemon finishes what it was asked for when the asker was killed. */
export async function settled(isThere: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 10; tries += 1) {
    if (await isThere()) return true;
    await sleep(100);
  }
  return false;
}

function referenceOf(digest: string, params: EngineParams): string {
  return `${params.image}:${digest}`;
}

async function isOurs(engine: Engine, image: ImageRecord): Promise<boolean> {
  const found = await inspectImage(engine, image.reference);
  return found?.Config?.Labels?.[labels.lock] === `sha256:${image.rootfs}`;
}

type ConfigOf = (layer: string) => Buffer;

async function configMaker(rootfs: Rootfs): Promise<ConfigOf> {
  const [architecture, command, originals] = await Promise.all([
    architectureOf(rootfs.directory),
    commandOf(rootfs.directory),
    describeOriginals(rootfs),
  ]);
  return (layer) =>
    imageConfig({
      architecture,
      command,
      layer,
      labels: {
        [labels.layer]: layer,
        [labels.lock]: `sha256:${rootfs.digest}`,
        [labels.originals]: originals,
      },
    });
}

/** A commit or a build from our image has its labels too, but other layers. */
async function isThere(engine: Engine, reference: string, digest: string): Promise<boolean> {
  const found = await inspectImage(engine, reference);
  const layers = found?.RootFS?.Layers ?? [];
  const said = found?.Config?.Labels ?? {};
  return said[labels.lock] === `sha256:${digest}` && layers.length === 1 && layers[0] === said[labels.layer];
}

/**
 * The quick way: the daemon unpacks the layer as it comes (`docker import`), and is then given a configuration of
 * ours for it. `docker load` would write the whole archive to its disk first. False where it does not work like that.
 */
async function importLayer(
  engine: Engine,
  rootfs: Rootfs,
  reference: string,
  layer: AsyncIterable<Uint8Array>,
  configOf: ConfigOf,
  signal: AbortSignal,
): Promise<boolean> {
  const query = { fromSrc: '-', changes: `LABEL ${labels.part}=sha256:${rootfs.digest}` };
  const response = await engine.stream('POST', '/images/create', { query, body: layer, signal });
  let id = '';
  for await (const { status } of readReports(response, engine)) if (typeof status === 'string') id = status;
  const layers = (await inspectImage(engine, id))?.RootFS?.Layers ?? [];
  if (layers.length !== 1 || layers[0] === undefined) return false;
  const config = configOf(layers[0]);
  try {
    await loadImage(engine, imageArchive(config, reference), signal);
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
  return (await inspectImage(engine, reference))?.Id === `sha256:${sha256(config)}`;
}

/** The way that every engine knows: the layer must be whole before, because a tar says sizes first. */
async function loadWhole(
  engine: Engine,
  folder: string,
  reference: string,
  layer: AsyncIterable<Uint8Array>,
  configOf: ConfigOf,
  signal: AbortSignal,
): Promise<void> {
  const file = join(folder, 'layer.tar');
  try {
    const hash = createHash('sha256');
    const hashed = async function* (pieces: AsyncIterable<Uint8Array>) {
      for await (const piece of pieces) {
        hash.update(piece);
        yield piece;
      }
    };
    await pipeline(Readable.from(hashed(layer)), createWriteStream(file, { mode: 0o600 }), { signal });
    const config = configOf(`sha256:${hash.digest('hex')}`);
    const pieces = createReadStream(file, { highWaterMark: 1024 * 1024 });
    await loadImage(engine, imageArchive(config, reference, { size: statSync(file).size, pieces }), signal);
  } finally {
    rmSync(file, { force: true });
  }
}

/** Docker with its own store of layers; podman, and Docker with containerd's, know no layer without its image. */
async function unpacksAtOnce(engine: Engine): Promise<boolean> {
  if (!engine.server.startsWith('Docker/')) return false;
  const info = (await engine.call('GET', '/info')) as { readonly DriverStatus?: unknown };
  return !JSON.stringify(info.DriverStatus ?? '').includes('io.containerd.snapshotter');
}

/** A stream whose first piece is being made while something else is done. */
async function ahead(pieces: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const iterator = pieces[Symbol.asyncIterator]();
  let first: IteratorResult<Uint8Array> | undefined = await iterator.next();
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        const next = first ?? (await iterator.next());
        first = undefined;
        return next;
      },
      return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
    }),
  };
}
