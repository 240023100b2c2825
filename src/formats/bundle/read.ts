import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline, Readable, type Transform } from 'node:stream';
import { constants, createZstdDecompress } from 'node:zlib';

import type { Store } from '../../contract/index.ts';
import { UserError } from '../../model/index.ts';
import { shown, throwFaults } from '../spec/fault.ts';
import { longestText, parseText } from '../spec/parse.ts';
import { openBytes, type Bytes } from './bytes.ts';
import { namedContents, type NamedContents } from './named.ts';
import { BundleDamage, oneFrame, zstdMagic } from './frame.ts';
import { parseHeader, parseRecords, type Member } from './tar.ts';
import { specName } from './write.ts';

/** What a bundle held. Its contents are in the store. */
export interface Bundle {
  /** The spec's. */
  readonly text: string;
  /** The sha256 of each content, in hexadecimal. */
  readonly contents: ReadonlySet<string>;
}

/** Whether a file that begins with these bytes is a bundle. A spec can't begin with them. */
export function isBundle(head: Uint8Array): boolean {
  return zstdMagic.equals(head.subarray(0, zstdMagic.length));
}

/**
 * Reads a stranger's bundle into the store, in one pass and constant memory. Only what its spec names by digest is
 * taken, only under the digest that it has, and not more bytes than the spec says. Nothing is written but by the
 * store. Throws UserError (status 2): `study.repronim: member 3 "sha256/…": …`. The spec's text is YAML, and not
 * otherwise checked.
 */
export async function openBundle(
  file: string,
  store: Store,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Bundle> {
  const source = createReadStream(file, { highWaterMark: 256 * 1024 });
  const inflate = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 27 } });
  const at = { member: '' };
  try {
    options.signal?.throwIfAborted();
    pipe(source, inflate, options.signal);
    return await readMembers(openBytes(inflate), { file, store, at, compressed: () => source.bytesRead });
  } catch (error) {
    options.signal?.throwIfAborted();
    const said = damage(error);
    if (said === undefined) throw error;
    throw new UserError(`${file}: ${at.member}${said}`, {
      status: 2,
      hint: 'ask for the file again: it was damaged on its way, or is not what it claims to be',
    });
  } finally {
    source.destroy();
    inflate.destroy();
  }
}

interface Reading {
  readonly file: string;
  readonly store: Store;
  /** Where one is, for messages. */
  readonly at: { member: string };
  /** Bytes of the file that have been read so far. */
  compressed(): number;
}

async function readMembers(bytes: Bytes, reading: Reading): Promise<Bundle> {
  const digests = new Set<string>();
  let named: NamedContents | undefined;
  let spec = '';
  for (let number = 1; ; number++) {
    reading.at.member = `member ${number}: `;
    const member = await nextMember(bytes, reading, number);
    if (member === undefined) break;
    checkMember(member, number, digests);
    if (named === undefined) {
      spec = decodeSpec(await bytes.take(member.size));
      await bytes.skipPadding(member.size);
      const { root, faults } = parseText(spec, reading.file);
      if (root === undefined) throwFaults(faults);
      named = namedContents(root, spec);
      continue;
    }
    const sha256 = member.name.slice('sha256/'.length);
    named.check(sha256, member.size, { read: bytes.count(), compressed: reading.compressed() });
    await keep(bytes.stream(member.size), sha256, reading.store);
    await bytes.skipPadding(member.size);
    digests.add(sha256);
  }
  reading.at.member = '';
  if (named === undefined) throw new BundleDamage(`there is no ${specName} in it`);
  await bytes.end();
  return { text: spec, contents: digests };
}

async function nextMember(bytes: Bytes, reading: Reading, number: number): Promise<Member | undefined> {
  let member = parseHeader(await bytes.take(512));
  if (member === undefined) return undefined;
  reading.at.member = `member ${number} ${shown(member.name)}: `;
  if (member.type !== 'x') return member;
  if (member.size > 65_536) throw new BundleDamage('its extended header is too large');
  const records = parseRecords(await bytes.take(member.size));
  await bytes.skipPadding(member.size);
  member = parseHeader(await bytes.take(512));
  if (member === undefined || member.type === 'x') throw new BundleDamage('its extended header belongs to nothing');
  const name = records.get('path') ?? member.name;
  const size = Number(records.get('size') ?? member.size);
  reading.at.member = `member ${number} ${shown(name)}: `;
  if (!Number.isSafeInteger(size) || size < 0) throw new BundleDamage('its extended header has no usable size');
  return { type: member.type, name, size };
}

const types: Readonly<Record<string, string>> = {
  1: 'a hard link',
  2: 'a symbolic link',
  3: 'a device',
  4: 'a device',
  5: 'a directory',
  6: 'a pipe',
  g: 'a global header',
};

function checkMember({ name, type, size }: Member, number: number, seen: ReadonlySet<string>): void {
  if (type !== '0') throw new BundleDamage(`${types[type] ?? 'of an unknown type'}: a bundle holds files only`);
  if (name.startsWith('/')) throw new BundleDamage('an absolute name');
  if (name.split('/').includes('..')) throw new BundleDamage('its name leads out of the archive');
  if (number === 1) {
    if (name !== specName) throw new BundleDamage(`the first member must be ${specName}`);
    if (size > longestText) throw new BundleDamage('too large for a spec');
    return;
  }
  if (name === specName) throw new BundleDamage('it comes twice');
  if (!/^sha256\/[0-9a-f]{64}$/.test(name)) throw new BundleDamage('expected sha256/ and 64 hexadecimal digits');
  if (seen.has(name.slice('sha256/'.length))) throw new BundleDamage('it comes twice');
}

/** Content goes into the store only when it is whole and what it is called. */
async function keep(content: AsyncIterable<Buffer>, sha256: string, store: Store): Promise<void> {
  const hash = createHash('sha256');
  async function* checked(): AsyncGenerator<Buffer> {
    for await (const chunk of content) {
      hash.update(chunk);
      yield chunk;
    }
    const is = hash.digest('hex');
    if (is !== sha256) throw new BundleDamage(`its content is another: sha256:${is}`);
  }
  if ((await store.find(sha256)) === undefined) await store.add(checked());
  else for await (const _ of checked()); // it is there; all the same it must be what it claims to be
}

function decodeSpec(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new BundleDamage('it is not UTF-8');
  }
}

function pipe(source: Readable, inflate: Transform, signal: AbortSignal | undefined): void {
  const stages = [Readable.from(oneFrame(source), { objectMode: false, highWaterMark: 256 * 1024 }), inflate] as const;
  // What goes wrong destroys both, and is thrown where `inflate` is read.
  if (signal === undefined) pipeline(...stages, () => {});
  else pipeline(signalled(stages[0], signal), inflate, () => {});
}

function signalled(stream: Readable, signal: AbortSignal): Readable {
  const stop = (): void => void stream.destroy(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  stream.once('close', () => signal.removeEventListener('abort', stop));
  return stream;
}

/** Of errors that are the file's fault, what is wrong with it. */
function damage(error: unknown): string | undefined {
  if (error instanceof BundleDamage) return error.message;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code.startsWith('ZSTD_') || code.startsWith('Z_') || code === 'ERR_ZLIB_INITIALIZATION_FAILED') {
    return code === 'Z_BUF_ERROR' ? 'the archive ends too early' : 'the archive is damaged';
  }
  return undefined;
}
