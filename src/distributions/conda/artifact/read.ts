import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

import { UserError } from '../../../model/index.ts';
import { compressionOf, decompress, decompressed, mostUnpacked } from '../../../roots/decompress.ts';
import { fileSource, readZipDirectory, storedExtent } from '../../../roots/zip.ts';
import { refused } from '../../../roots/refused.ts';
import { readMembers } from '../../../roots/tar-members.ts';
import { isBelow, parseIdentity, parseObject, parsePaths, type LinkedPath } from '../record.ts';

/** What a package says of itself: `info/` of its artifact. */
export interface ArtifactInfo {
  /** `info/index.json` as it is. */
  readonly index: Readonly<Record<string, unknown>>;
  readonly name: string;
  readonly version: string;
  readonly build: string;
  readonly noarch?: string;
  readonly paths: readonly LinkedPath[];
  /** `NAME = module:function`, of `noarch: python`. */
  readonly entryPoints: readonly string[];
}

/** A file, link or folder of a package, as it is packed. */
export interface Packed {
  readonly path: string;
  readonly type: 'file' | 'link' | 'directory';
  readonly mode: number;
  /** Whole seconds since the epoch. */
  readonly mtime: number;
  readonly content?: Buffer;
  readonly target?: string;
}

/** An artifact that is open: read what it says first, then what is in it. */
export interface Artifact extends Disposable {
  info(): Promise<ArtifactInfo>;
  /** Everything but `info/`, each file whole. */
  payload(): AsyncIterable<Packed>;
}

/** Most bytes that one artifact may unpack to, and most that a single file of it may have. */
const largest = 64 * 1024 ** 3;
const largestFile = 1024 ** 3;
const largestInfo = 256 * 1024 ** 2;

/**
 * A `.conda` (a zip of two zstd tars) or `.tar.bz2`. Throws UserError where it is neither, or, when it is read, broken.
 * See https://docs.conda.io/projects/conda-build/en/stable/resources/package-spec.html.
 */
export function openArtifact(file: string, what: string): Artifact {
  const fd = openSync(file, 'r');
  try {
    const start = Buffer.alloc(6);
    readSync(fd, start, 0, start.length, 0);
    const { size } = fstatSync(fd);
    const streams = start.toString('latin1', 0, 2) === 'PK' ? inZip(fd, size, what) : inTar(fd, size, start, what);
    return {
      info: async () => await readInfo(streams.info(), what),
      payload: () => readPayload(streams.payload, what),
      [Symbol.dispose]: () => closeSync(fd),
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

interface Streams {
  info(): AsyncIterable<Uint8Array>;
  payload(): AsyncIterable<Uint8Array>;
}

function inZip(fd: number, size: number, what: string): Streams {
  const source = fileSource(fd, size, what);
  let directory: ReturnType<typeof readZipDirectory> | undefined;
  async function* open(begin: string) {
    const member = (await (directory ??= readZipDirectory(source))).find(
      ({ name }) => name.startsWith(begin) && name.endsWith('.tar.zst'),
    );
    if (member === undefined) throw new UserError(`${what} is no package of conda's: it has no ${begin}*.tar.zst`);
    const extent = await storedExtent(source, member);
    yield* decompress({ fd, ...extent }, 'zst', Math.min(largest, mostUnpacked(extent.size)), what);
  }
  return { info: () => open('info-'), payload: () => open('pkg-') };
}

/** bzip2 is decoded once: it is slow. */
function inTar(fd: number, size: number, start: Buffer, what: string): Streams {
  let whole: Promise<Buffer> | undefined;
  async function* open() {
    whole ??= decompressed({ fd, offset: 0, size }, compressionOf(start), 2 * 1024 ** 3, what);
    yield await whole;
  }
  return { info: open, payload: open };
}

const told = new Set(['index.json', 'paths.json', 'link.json', 'files', 'has_prefix', 'noarch.json']);

async function readInfo(stream: AsyncIterable<Uint8Array>, what: string): Promise<ArtifactInfo> {
  const files = new Map<string, Buffer>();
  let size = 0;
  for await (const member of readMembers(stream)) {
    const name = member.name.startsWith('info/') ? member.name.slice(5) : '';
    if (member.type !== 'file' || !told.has(name)) continue;
    if ((size += member.size) > largestInfo) throw new UserError(`${what} says more of itself than is read`);
    const chunks: Buffer[] = [];
    for await (const chunk of member.content()) chunks.push(chunk);
    files.set(name, Buffer.concat(chunks));
  }
  const index = parseObject(files.get('index.json') ?? Buffer.alloc(0));
  const identity = index === undefined ? undefined : parseIdentity(index);
  if (index === undefined || identity === undefined) {
    throw new UserError(`${what} is no package of conda's: it has no info/index.json that can be read`);
  }
  const link = parseObject(files.get('link.json') ?? files.get('noarch.json') ?? Buffer.alloc(0));
  const { type, entry_points: points } = (link?.['noarch'] ?? link ?? {}) as Readonly<Record<string, unknown>>;
  const noarch = index['noarch'] ?? type;
  const paths = files.get('paths.json');
  return {
    index,
    ...identity,
    ...(noarch === true ? { noarch: 'generic' } : typeof noarch === 'string' ? { noarch } : {}),
    paths:
      paths === undefined
        ? oldPaths(files.get('files')?.toString('utf8') ?? '', files.get('has_prefix')?.toString('utf8') ?? '')
        : parsePaths(parseObject(paths)),
    entryPoints: Array.isArray(points) ? points.filter((one) => typeof one === 'string') : [],
  };
}

/** Packages from before `paths.json`: one path a line, and `[PLACEHOLDER MODE] PATH` of those with a prefix in them. */
export function oldPaths(files: string, prefixed: string): readonly LinkedPath[] {
  const replaced = new Map<string, Pick<LinkedPath, 'placeholder' | 'replace'>>();
  for (const line of prefixed.split('\n')) {
    const [, quotedPlaceholder, plainPlaceholder, mode, quoted, plain] =
      /^(?:(?:"([^"]+)"|(\S+)) (text|binary) )?(?:"([^"]+)"|(\S.*))$/.exec(line.trimEnd()) ?? [];
    const path = quoted ?? plain;
    if (path === undefined) continue;
    replaced.set(path, {
      placeholder: quotedPlaceholder ?? plainPlaceholder ?? '/opt/anaconda1anaconda2anaconda3',
      replace: mode === 'binary' ? 'binary' : 'text',
    });
  }
  return files
    .split('\n')
    .filter(isBelow)
    .map((path) => ({ path, type: 'file', ...replaced.get(path) }));
}

async function* readPayload(open: () => AsyncIterable<Uint8Array>, what: string): AsyncGenerator<Packed> {
  const linked = new Map<string, string[]>();
  const links = new Set<string>();
  for await (const member of readMembers(open())) {
    const { name: path, type, mode } = member;
    if (path === '' || path === 'info' || path.startsWith('info/')) continue;
    if (!isBelow(path)) throw refused(what, path);
    if (type === 'block' || type === 'character') throw refused(what, path, 'a device');
    if (links.has(path) || [...parentsOf(path)].some((above) => links.has(above))) {
      throw refused(what, path, 'it lies at or below a link of the same package');
    }
    if (type === 'link') links.add(path);
    const common = { path, mode, mtime: Math.floor(member.mtimeMs / 1000) };
    if (type === 'directory') yield { ...common, type };
    else if (type === 'link') yield { ...common, type, target: member.target ?? '' };
    else if (type === 'file') yield { ...common, type, content: await readWhole(member, what) };
    else if (type === 'hardlink' && !isBelow(member.target ?? '')) {
      throw refused(what, path, 'a hard link that leads out of it');
    } else if (type === 'hardlink') linked.set(member.target ?? '', [...(linked.get(member.target ?? '') ?? []), path]);
  }
  if (linked.size === 0) return;
  for await (const member of readMembers(open())) {
    const names = member.type === 'file' ? linked.get(member.name) : undefined;
    if (names === undefined) continue;
    const common = { type: 'file', mode: member.mode, mtime: Math.floor(member.mtimeMs / 1000) } as const;
    const content = await readWhole(member, what);
    for (const path of names) yield { ...common, path, content };
  }
}

function* parentsOf(path: string): Iterable<string> {
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) yield path.slice(0, at);
}

async function readWhole(
  member: { readonly name: string; readonly size: number; content(): AsyncIterable<Buffer> },
  what: string,
): Promise<Buffer> {
  if (member.size > largestFile) throw new UserError(`${what}: ${member.name} is larger than ${largestFile} bytes`);
  const chunks: Buffer[] = [];
  for await (const chunk of member.content()) chunks.push(chunk);
  return Buffer.concat(chunks);
}
