import { statSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { PassThrough, Readable, type Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { constants, createGzip, createZstdCompress } from 'node:zlib';

import type { BackendContext, ImageRecord, Rootfs } from '../../contract/index.ts';
import { fullElsewhere, isDiskFull, UserError } from '../../model/index.ts';
import { layerOf } from '../../roots/layer.ts';
import { localRoot } from '../../roots/local.ts';
import { ownedBy, readManifest } from '../../roots/manifest.ts';
import { bytesIn } from '../../roots/tree-size.ts';
import { findMapping } from '../../sessions/mapped.ts';
import { ownersInside } from '../../sessions/owners.ts';
import { controlOf, type Held } from '../../sessions/ssh/control.ts';
import { fieldBytes } from '../../sessions/ssh/frames.ts';
import type { Host } from '../../sessions/ssh/host.ts';
import { untarThere } from '../../sessions/ssh.ts';
import { cutTar, type Piece } from './pieces.ts';
import type { SshParams } from './params.ts';
import { hostOf } from './reach.ts';

/** How a tree is cut: what was carried otherwise is begun anew. */
const plan = 'members, 32 MiB';

/**
 * The rootfs, carried to the host: once for each digest, in pieces of whole members that are unpacked as they come.
 * What is there is kept where the connection breaks, and what is left follows the next time; it gets its name when it
 * is whole.
 */
export async function assemble(rootfs: Rootfs, params: SshParams, context: BackendContext): Promise<ImageRecord> {
  const host = await hostOf(params);
  const { digest } = rootfs;
  const reference = `${host.folder}/rootfs/${digest}`;
  await context.record({ host: host.connection.host, folder: host.folder, socket: host.connection.socket });
  const record = { backend: 'ssh', reference, rootfs: digest };
  const begun = await begin(host, digest, context);
  if (begun === undefined) return record;
  try {
    await carry(rootfs, host, begun.done, context);
    const mode = (statSync(rootfs.directory).mode & 0o7777).toString(8);
    await controlOf(host).ask('finish', { digest, mode, owners: await ownersOf(rootfs, context.signal) });
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    throw fullElsewhere(error, `${host.folder} of ${host.connection.host}`, await bytesIn(rootfs.directory));
  } finally {
    await begun.held.release();
  }
  return record;
}

/** Takes the tree away, unless an instance stands on it: also one that another machine of the user's has made. */
export async function removeImage(image: ImageRecord, params: SshParams): Promise<void> {
  const host = await hostOf(params);
  await controlOf(host).ask('drop', { digest: image.rootfs });
  await host.connection.close();
}

/** How many members are there already, and the lock of that tree; undefined where nothing is to be done. */
async function begin(
  host: Host,
  digest: string,
  { onProgress, signal }: BackendContext,
): Promise<{ readonly done: number; readonly held: Held } | undefined> {
  for (;;) {
    const held = await controlOf(host).hold('carry', { digest, plan }, []);
    const [is, done] = held.answer;
    if (is === 'part') return { done: Number(done), held };
    await held.release();
    if (is === 'whole') return undefined;
    onProgress({ step: 'create', what: `somebody else is carrying it to ${host.connection.host}` });
    await sleep(500, undefined, { signal });
  }
}

async function carry(rootfs: Rootfs, host: Host, members: number, context: BackendContext): Promise<void> {
  const { signal } = context;
  const { digest } = rootfs;
  const into = `${host.folder}/rootfs/${digest}.part/tree`;
  const compression = ['zstd', 'gzip'].find((program) => host.programs.has(program));
  const acting = {
    host,
    label: host.connection.host,
    fields: [['@mapped', 1], ...(compression === undefined ? [] : [['@decompress', compression] as const])] as const,
  };
  let read = 0;
  const layer = layerOf(rootfs, (bytes) => {
    read += bytes;
    context.onProgress({ step: 'create', what: `to ${host.connection.host}`, done: read, unit: 'bytes' });
  });
  for await (const piece of cutTar(layer, members)) {
    signal.throwIfAborted();
    const compressed = compress(piece, compression, signal);
    try {
      await untarThere(
        acting,
        [
          ['do', 'untar'],
          ['into', into],
        ],
        compressed.stream,
        `unpack into ${into}`,
      );
    } catch (error) {
      compressed.stream.destroy();
      await compressed.done;
      if (!(error instanceof UserError)) throw error;
      throw new UserError(`cannot carry the tree to ${host.connection.host}: ${error.message}`, {
        hint: 'what is there is kept: do the same again, and the rest follows',
        cause: error,
      });
    }
    const done = piece.upTo();
    if (done !== undefined) await controlOf(host).ask('carried', { digest, done });
  }
}

/** Who owns what in the tree where that is not root, as paths and owners: a host may not be able to show it. */
async function ownersOf(rootfs: Rootfs, signal: AbortSignal): Promise<string> {
  const manifest = rootfs.manifest === undefined ? undefined : await readManifest(rootfs.manifest);
  const root = ownersInside(localRoot(rootfs.directory), findMapping());
  const fields: string[] = [];
  for await (const seen of root.scan({ digests: [], signal })) {
    const { path, uid, gid } = manifest === undefined ? seen : ownedBy(manifest, seen);
    if (uid !== 0 || gid !== 0) fields.push(path, `${uid} ${gid}`);
  }
  return fieldBytes(fields).toString('hex');
}

function compress(
  piece: Piece,
  how: string | undefined,
  signal: AbortSignal,
): { readonly stream: Duplex; readonly done: Promise<unknown> } {
  const stream: Duplex =
    how === 'zstd'
      ? createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } })
      : how === 'gzip'
        ? createGzip({ level: 1 })
        : new PassThrough();
  // where it breaks, whoever reads it says why
  const done = pipeline(Readable.from(piece.bytes), stream, { signal }).catch(() => {});
  return { stream, done };
}
