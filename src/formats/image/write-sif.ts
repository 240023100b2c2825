import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';

import { UserError } from '../../model/index.ts';
import { architectures, descriptorSize, fields, kinds, primarySystem, specName, squashfsKind } from './sif.ts';

/** What a SIF is made of: the file system as a file of this machine, and what is said of it. */
export interface SifParts {
  readonly squashfs: string;
  /** As Go names it: `amd64`. */
  readonly architecture: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: string | undefined;
}

// What apptainer writes itself: 48 descriptors behind the first page, content from 32 KiB on.
const page = 4096;
const descriptors = 48;
const content = 8 * page;
const group = 0xf000_0001;

interface Part {
  readonly kind: number;
  readonly name: string;
  readonly size: number;
  readonly bytes?: Buffer;
  readonly extra?: Buffer;
}

/**
 * Writes a SIF (sylabs/sif, `sif.go`: version 01): a definition, labels, the spec, the squashfs. The same parts are the
 * same bytes: no times, no owner, an id that is made of the labels.
 */
export async function writeSif(parts: SifParts, file: string): Promise<void> {
  const [code] = Object.entries(architectures).find(([, name]) => name === parts.architecture) ?? [];
  if (code === undefined) throw new UserError(`a SIF of the architecture ${parts.architecture} is not known`);
  const { size } = await stat(parts.squashfs);
  const extra = Buffer.alloc(11);
  extra.writeInt32LE(squashfsKind, 0);
  extra.writeInt32LE(primarySystem, 4);
  extra.write(`${code}\0`, 8, 'latin1');
  const written: readonly Part[] = [
    text(kinds.definition, 'Singularity', definitionOf(parts)),
    text(kinds.json, 'inspect-metadata.json', metadataOf(parts)),
    ...(parts.spec === undefined ? [] : [text(kinds.generic, specName, parts.spec)]),
    { kind: kinds.partition, name: 'rootfs', size, extra },
  ];
  const table = Buffer.alloc(descriptors * descriptorSize);
  const handle = await open(file, 'wx', 0o755);
  try {
    let at = content;
    for (const [index, part] of written.entries()) {
      describe(table.subarray(index * descriptorSize), part, index + 1, at);
      if (part.bytes !== undefined) await handle.write(part.bytes, 0, part.size, at);
      else await copyTo(parts.squashfs, handle, at);
      at += Math.ceil(part.size / page) * page;
    }
    await handle.truncate(at);
    await handle.write(headerOf(parts, code, written.length, at), 0, 128, 0);
    await handle.write(table, 0, table.length, page);
  } finally {
    await handle.close();
  }
}

/** What an image says of itself, in the words that apptainer has for it. */
export function sifLabels(architecture: string, own: SifParts['labels']): SifParts['labels'] {
  return {
    'org.label-schema.build-arch': architecture,
    'org.label-schema.schema-version': '1.0',
    ...own,
  };
}

function headerOf({ labels }: SifParts, code: string, used: number, end: number): Buffer {
  const header = Buffer.alloc(128);
  header.write('#!/usr/bin/env run-singularity\n', 0, 'latin1');
  header.write(`SIF_MAGIC\u000001\u0000${code}\u0000`, 32, 'latin1');
  const id = createHash('sha256').update(JSON.stringify(labels)).digest().subarray(0, 16);
  id[6] = ((id[6] ?? 0) & 0x0f) | 0x80; // a UUID of version 8 (RFC 9562): ours to define
  id[8] = ((id[8] ?? 0) & 0x3f) | 0x80;
  id.copy(header, 48);
  const numbers = [0, 0, descriptors - used, descriptors, page, descriptors * descriptorSize, content, end - content];
  for (const [index, number] of numbers.entries()) header.writeBigInt64LE(BigInt(number), 64 + 8 * index);
  return header;
}

function describe(descriptor: Buffer, part: Part, id: number, at: number): void {
  descriptor.writeInt32LE(part.kind, 0);
  descriptor.writeUInt8(1, fields.used);
  descriptor.writeUInt32LE(id, fields.id);
  descriptor.writeUInt32LE(group, fields.group);
  descriptor.writeBigInt64LE(BigInt(at), fields.offset);
  for (const size of [fields.size, fields.stored]) descriptor.writeBigInt64LE(BigInt(part.size), size);
  descriptor.write(part.name, fields.name, 'utf8');
  part.extra?.copy(descriptor, fields.extra);
}

function text(kind: number, name: string, content: string): Part {
  const bytes = Buffer.from(content);
  return { kind, name, size: bytes.length, bytes };
}

/** Nothing was run to make it, so there is nothing to run again: what it is made of stands in its labels and its spec. */
function definitionOf({ labels }: SifParts): string {
  const lines = Object.entries(labels).map(([name, value]) => `    ${name} ${value}`);
  return [
    '# Made by repronim of a tree that it has laid; no %post was run.',
    'Bootstrap: scratch',
    '',
    '%labels',
    ...lines,
    '',
  ].join('\n');
}

/** What `apptainer inspect` shows. */
function metadataOf(parts: SifParts): string {
  const attributes = { deffile: definitionOf(parts), labels: parts.labels };
  return JSON.stringify({ data: { attributes }, type: 'container' });
}

async function copyTo(from: string, handle: FileHandle, at: number): Promise<void> {
  let written = at;
  for await (const piece of createReadStream(from, { highWaterMark: 1024 * 1024 })) {
    const bytes = piece as Buffer;
    await handle.write(bytes, 0, bytes.length, written);
    written += bytes.length;
  }
}
