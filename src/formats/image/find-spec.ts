import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { decompressFile } from '../../roots/decompress.ts';
import { readTarFiles } from '../../roots/tar-files.ts';
import { specType } from './oci.ts';

/** No spec is longer, and no index. */
const longest = 64 * 1024 * 1024;
/** Bytes of small files that are held while one is sought. */
const most = 256 * 1024 * 1024;

/** The text of the spec that was put into an archive or a layout; undefined where there is none. */
export async function findSpec(path: string): Promise<Buffer | undefined> {
  const read = (await stat(path)).isDirectory() ? folderReader(path) : await archiveReader(path);
  const beside = await read('repronim.yaml');
  if (beside !== undefined) return beside;
  for (const { artifactType, digest } of listOf((await json(read, 'index.json'))['manifests'])) {
    if (artifactType !== specType) continue;
    const [layer] = listOf((await json(read, blobPath(digest)))['layers']);
    if (layer !== undefined) return await read(blobPath(layer['digest']));
  }
  return undefined;
}

type Read = (name: string) => Promise<Buffer | undefined>;
type Fields = Readonly<Record<string, unknown>>;

function folderReader(folder: string): Read {
  return async (name) => {
    const file = join(folder, name);
    const { size } = await stat(file).catch(() => ({ size: Infinity }));
    return size > longest ? undefined : await readFile(file).catch(() => undefined);
  };
}

/** Small files of the archive are kept; the layers go by. */
async function archiveReader(file: string): Promise<Read> {
  const small = new Map<string, Buffer>();
  let kept = 0;
  for await (const { path, content } of readTarFiles(decompressFile(file), 8 * 1024 * 1024)) {
    // a root file system may be all small files
    if (!/^(?:repronim\.yaml|[\w-]+\.json|blobs\/sha256\/[0-9a-f]{64})$/.test(path) || kept + content.length > most)
      continue;
    kept += content.length;
    small.set(path, content);
  }
  return async (name) => small.get(name);
}

async function json(read: Read, name: string): Promise<Fields> {
  try {
    const value: unknown = JSON.parse((await read(name))?.toString('utf8') ?? '{}');
    return typeof value === 'object' && value !== null ? (value as Fields) : {};
  } catch {
    return {};
  }
}

function listOf(value: unknown): readonly Fields[] {
  if (!Array.isArray(value)) return [];
  return value.filter((one): one is Fields => typeof one === 'object' && one !== null);
}

function blobPath(digest: unknown): string {
  const [, hex] = /^sha256:([0-9a-f]{64})$/.exec(String(digest)) ?? [];
  return hex === undefined ? 'none' : `blobs/sha256/${hex}`;
}
