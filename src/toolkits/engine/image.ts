import { sha256 } from '../../model/index.ts';
import { encodeHeader, tarEnd, tarPadding } from '../../roots/tar-header.ts';
import { readReports, EngineError, type Engine } from './client.ts';

export const labels = {
  /** `sha256:` and the digest of the lock that the rootfs was made from. */
  lock: 'org.repronim.lock',
  /** The digest of the one layer, uncompressed. */
  layer: 'org.repronim.layer',
  /** What the rootfs has where the engine puts its own. */
  originals: 'org.repronim.originals',
  /** Of an image that is a step towards ours, and goes away: as `lock`. */
  part: 'org.repronim.part',
  /** Of a container: the instance's name. */
  instance: 'org.repronim.instance',
  /** Of a container: drawn when it is made, recorded before. */
  token: 'org.repronim.token',
} as const;

export interface ImageFacts {
  readonly Id: string;
  readonly RepoTags?: readonly string[] | null;
  readonly Config?: { readonly Labels?: Readonly<Record<string, string>> | null } | null;
  readonly RootFS?: { readonly Layers?: readonly string[] };
}

/** An archive as `docker load` takes it; without `layer` it is for a daemon that has it already. */
export async function* imageArchive(
  config: Buffer,
  tag: string,
  layer?: { readonly size: number; readonly pieces: AsyncIterable<Uint8Array> },
): AsyncIterable<Uint8Array> {
  const name = `${sha256(config)}.json`;
  const manifest = Buffer.from(JSON.stringify([{ Config: name, RepoTags: [tag], Layers: ['layer.tar'] }]));
  yield* file('manifest.json', manifest);
  yield* file(name, config);
  if (layer === undefined) {
    yield* file('layer.tar', Buffer.alloc(0));
  } else {
    yield headerOf('layer.tar', layer.size);
    yield* layer.pieces;
    yield tarPadding(layer.size);
  }
  yield tarEnd;
}

/** Loads an archive; throws EngineError where the daemon does not take it. */
export async function loadImage(
  engine: Engine,
  archive: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const response = await engine.stream('POST', '/images/load', { query: { quiet: 1 }, body: archive, signal });
  for await (const _report of readReports(response, engine)); // an error among them is thrown
}

export async function inspectImage(engine: Engine, reference: string): Promise<ImageFacts | undefined> {
  try {
    return (await engine.call('GET', `/images/${encodeURIComponent(reference)}/json`)) as ImageFacts;
  } catch (error) {
    if (error instanceof EngineError && error.code === 404) return undefined;
    throw error;
  }
}

/** Ids of the images that have a label with that value, sorted. */
export async function imagesWith(engine: Engine, label: string, value: string): Promise<string[]> {
  const filters = JSON.stringify({ label: [`${label}=${value}`] });
  const found = (await engine.call('GET', '/images/json', { query: { all: 1, filters } })) as readonly { Id: string }[];
  return [...new Set(found.map(({ Id }) => Id))].sort();
}

/** Removes an image or one of its names; whether it is gone (also when it was not there). */
export async function dropImage(engine: Engine, reference: string): Promise<boolean> {
  try {
    await engine.call('DELETE', `/images/${encodeURIComponent(reference)}`);
    return true;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    if (error.code === 404) return true;
    if (error.code === 409) return false;
    throw error;
  }
}

function* file(name: string, content: Buffer): Iterable<Buffer> {
  yield headerOf(name, content.length);
  yield content;
  yield tarPadding(content.length);
}

function headerOf(name: string, size: number): Buffer {
  return encodeHeader({ name, type: 'file', mode: 0o644, uid: 0, gid: 0, size, mtimeMs: 0 });
}
