import { createHash } from 'node:crypto';
import { constants, createGzip } from 'node:zlib';
import { Readable } from 'node:stream';

import type { Root } from '../../../contract/index.ts';
import { fileReader } from '../../apt/read/reader.ts';
import { inPieces } from '../../trees/in-pieces.ts';
import { buildHeader, bytes, entriesOf, headerMagic, int32, texts, types, type Entry } from '../lay/build-header.ts';
import { cpioHeader, cpioPadding } from '../lay/cpio.ts';
import { originalHeader, parseHeader, tags, type Header } from '../header.ts';
import { digestFiles, typeOf, type Compared } from './changed.ts';
import { digestAlgorithm, fileFlags, fileStates, type RpmPackage } from './package.ts';

/** An .rpm that is made of what is installed. */
export interface Repacked {
  bytes(): AsyncIterable<Uint8Array>;
  /** Files that are not in it, for they could not be read or are not for everybody's eyes. */
  readonly left: readonly string[];
}

type File = Compared['files'][number];

/** What is held in memory, in bytes: one file at a time. */
const largest = 2 ** 31 - 1;

/** Of what installing adds to a header, and of digests of the payload that was: not in the new one. */
const dropped = new Set<number>([
  1008, 1029, 1099, 1127, 1128, 1195, 1196, 1197, 1198, 5092, 5093, 5097, 5098, 5105, 5106,
]);

/**
 * Puts an .rpm together from a package's header and its files as they are: its own header with the digests, sizes and
 * times of changed files put right, and what is not there marked as %ghost. The same state gives the same bytes.
 */
export async function repack(root: Root, one: RpmPackage, { files, divergent }: Compared): Promise<Repacked> {
  const left: string[] = [];
  const algorithm = digestAlgorithm(one);
  const changed = files.filter(({ at }) => divergent.get(at) === 'content');
  const digests = await digestFiles(
    root,
    changed.map(({ at }) => at),
    algorithm,
  );
  const digestOf = new Map(changed.map(({ at }, index) => [at, digests[index]]));
  const carried: File[] = [];
  const closed = await unreadableOf(root, files);
  const fixed = files.map((file): File => {
    const how = divergent.get(file.at);
    const { stat } = file;
    const without = { ...file, flags: file.flags | fileFlags.ghost };
    if ((file.flags & fileFlags.ghost) !== 0) return file;
    if (stat === undefined || how === 'gone' || how === 'type' || file.state !== fileStates.normal) return without;
    if (closed.has(file.at) || (typeOf(file.mode) === 'file' && stat.size > largest)) {
      left.push(file.at);
      return without;
    }
    if (how === 'content') {
      const digest = digestOf.get(file.at);
      const isPrivate = (stat.mode & 0o004) === 0;
      if (digest === undefined || isPrivate) {
        left.push(file.at);
        return without;
      }
      const now = { ...file, digest, size: stat.size, mtime: Math.floor(stat.mtimeMs / 1000) };
      carried.push(now);
      return now;
    }
    carried.push(file);
    return file;
  });
  const header = fixHeader(one.header, fixed);
  return { left, bytes: () => inPieces(rpmBytes(root, one, header, carried)) };
}

/** Files that we may not read: of those that not everybody may, for others are not tried. */
async function unreadableOf(root: Root, files: readonly File[]): Promise<ReadonlySet<string>> {
  const closed = new Set<string>();
  for (const { at, mode, stat } of files) {
    if (stat?.type !== 'file' || typeOf(mode) !== 'file' || (stat.mode & 0o004) !== 0) continue;
    const content = await root.readFile(at, largest).catch(() => undefined);
    if (content === undefined) closed.add(at);
  }
  return closed;
}

function fixHeader(installed: Header, files: readonly File[]): Buffer {
  const original = originalHeader(installed);
  const source = (original === undefined ? undefined : parseHeader(original)) ?? installed;
  const isOwn = ({ tag }: Entry) => (tag >= 1000 || tag === 100) && !dropped.has(tag);
  const replaced: Entry[] =
    files.length === 0
      ? []
      : [
          int32(
            tags.fileSizes,
            files.map(({ size }) => size),
          ),
          int32(
            tags.fileTimes,
            files.map(({ mtime }) => mtime),
          ),
          int32(
            tags.fileFlags,
            files.map(({ flags }) => flags),
          ),
          int32(
            tags.fileInodes,
            files.map((_, index) => index + 1),
          ),
          texts(
            tags.fileDigests,
            files.map(({ digest }) => digest),
          ),
        ];
  const payload = [
    texts(tags.payloadFormat, ['cpio'], types.text),
    texts(tags.payloadCompressor, ['gzip'], types.text),
    texts(1126, ['6'], types.text),
  ];
  const fresh = new Set([...replaced, ...payload, { tag: tags.longFileSizes }].map(({ tag }) => tag));
  const kept = entriesOf(source).filter((entry) => isOwn(entry) && !fresh.has(entry.tag));
  return buildHeader([...kept, ...replaced, ...payload]);
}

async function* rpmBytes(
  root: Root,
  one: RpmPackage,
  header: Buffer,
  files: readonly File[],
): AsyncGenerator<Uint8Array> {
  const whole = Buffer.concat([headerMagic, header]);
  const signature = buildHeader(
    [
      texts(tags.sha1Header, [createHash('sha1').update(whole).digest('hex')], types.text),
      texts(tags.sha256Header, [createHash('sha256').update(whole).digest('hex')], types.text),
      bytes(1008, Buffer.alloc(0)),
    ].filter(({ count }) => count > 0),
    62,
  );
  yield lead(one);
  yield headerMagic;
  yield signature;
  yield Buffer.alloc((8 - ((headerMagic.length + signature.length) % 8)) % 8);
  yield whole;
  const gzip = createGzip({ level: 4, strategy: constants.Z_DEFAULT_STRATEGY });
  const plain = Readable.from(inPieces(payloadOf(root, files)));
  plain.once('error', (error) => gzip.destroy(error));
  yield* plain.pipe(gzip) as AsyncIterable<Uint8Array>;
}

async function* payloadOf(root: Root, files: readonly File[]): AsyncGenerator<Buffer> {
  const read = fileReader(root);
  for (const [index, file] of files.entries()) {
    const type = typeOf(file.mode);
    const about = { path: file.path, mode: file.mode, mtime: file.mtime, inode: index + 1 };
    let content: Buffer = Buffer.alloc(0);
    if (type === 'link') content = Buffer.from(file.link);
    else if (type === 'file') {
      const quick = await read(file.at);
      content = 'content' in quick ? quick.content : await root.readFile(file.at, largest);
      if (content.length !== file.size) throw new Error(`${file.at} changed while it was packed`);
    }
    yield cpioHeader({ ...about, size: content.length });
    if (content.length > 0) yield content;
    yield cpioPadding(content.length);
  }
  yield cpioHeader({ path: 'TRAILER!!!', mode: 0, mtime: 0, inode: 0, size: 0 });
}

/** 96 bytes that old programs look at (rpm's docs/manual/format_lead.md). */
function lead({ name, evr }: RpmPackage): Buffer {
  const block = Buffer.alloc(96);
  block.writeUInt32BE(0xedabeedb, 0);
  block.writeUInt8(3, 4);
  block.writeUInt16BE(1, 8);
  block.write(`${name}-${evr.version}-${evr.release ?? ''}`.slice(0, 65), 10, 'latin1');
  block.writeUInt16BE(1, 76);
  block.writeUInt16BE(5, 78);
  return block;
}
