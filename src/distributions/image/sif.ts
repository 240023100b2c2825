import { closeSync, openSync, readSync } from 'node:fs';

import type { Root } from '../../contract/index.ts';
import { encodeName, nameBytes } from '../../roots/names.ts';

/** What an image in the Singularity Image Format says of itself. */
export interface Sif {
  readonly architecture?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The definition that it was built from. */
  readonly definition?: string;
}

/** Reads bytes of a file; fewer where it ends. */
type ReadAt = (offset: number, length: number) => Buffer;

/** Numbers of the format (sif's `sif.go`): kinds of content, and codes of architectures. */
const definitionKind = 0x4001;
const labelsKind = 0x4003;
const jsonKind = 0x4006;
const architectures: Readonly<Record<string, string>> = {
  '01': '386',
  '02': 'amd64',
  '03': 'arm',
  '04': 'arm64',
  '05': 'ppc64',
  '06': 'ppc64le',
  '11': 's390x',
  '12': 'riscv64',
};

/** Larger parts are none that tell what an image is. */
const partLimit = 4 * 1024 * 1024;
const descriptorSize = 585;
const mostDescriptors = 4096;

/** What a file of a root is as a SIF; undefined where it is none, or can't be read. */
export async function readSif(path: string, root: Root): Promise<Sif | undefined> {
  const { directory } = root;
  if (directory === undefined) {
    const bytes = await root.readFile(path).catch(() => undefined);
    return bytes === undefined ? undefined : parseSif((offset, length) => bytes.subarray(offset, offset + length));
  }
  const [real] = await root.realpath([path]);
  if (real === undefined) return undefined;
  const at = directory === '/' ? real : `${directory}${real}`;
  const name = encodeName(at);
  let fd: number | undefined;
  try {
    const opened = openSync(typeof name === 'string' ? name : nameBytes(at), 'r');
    fd = opened;
    return parseSif((offset, length) => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(opened, bytes, 0, length, offset));
    });
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** The header and descriptors of a SIF, and the parts that describe it. Never throws for its bytes. */
export function parseSif(readAt: ReadAt): Sif | undefined {
  const header = readAt(0, 128);
  if (header.length < 128 || header.toString('latin1', 32, 41) !== 'SIF_MAGIC') return undefined;
  const total = Number(header.readBigInt64LE(88));
  const offset = Number(header.readBigInt64LE(96));
  if (!isPlace(total) || !isPlace(offset) || total > mostDescriptors) return undefined;
  const table = readAt(offset, total * descriptorSize);
  const labels: Record<string, string> = {};
  let definition: string | undefined;
  for (let at = 0; at + descriptorSize <= table.length; at += descriptorSize) {
    if (table.readUInt8(at + 4) === 0) continue;
    const kind = table.readInt32LE(at);
    const start = Number(table.readBigInt64LE(at + 17));
    const size = Number(table.readBigInt64LE(at + 25));
    if (!isPlace(start) || !isPlace(size) || size > partLimit) continue;
    if (kind !== definitionKind && kind !== labelsKind && kind !== jsonKind) continue;
    const text = readAt(start, size).toString('utf8').replace(/\0+$/, '');
    if (kind === definitionKind) definition ??= text;
    else Object.assign(labels, parseLabels(text));
  }
  const architecture = architectures[header.toString('latin1', 45, 47)];
  return {
    ...(architecture === undefined ? {} : { architecture }),
    labels,
    ...(definition === undefined ? {} : { definition }),
  };
}

/** The labels of `inspect-metadata.json`, or of `/.singularity.d/labels.json`, which is only these. */
export function parseLabels(json: string): Readonly<Record<string, string>> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return {};
  }
  const inner = member(member(member(value, 'data'), 'attributes'), 'labels');
  return labelsOf(inner ?? (member(value, 'data') === undefined ? value : undefined));
}

/** Texts only, at most 200, each shortened. */
export function labelsOf(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const found = Object.entries(value as Record<string, unknown>).flatMap(([name, text]): [string, string][] =>
    typeof text === 'string' && /^[\w./:@+-]{1,200}$/.test(name) && name !== '__proto__'
      ? [[name, text.replaceAll('\0', '').slice(0, 1000)]]
      : [],
  );
  return Object.fromEntries(found.slice(0, 200));
}

export function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

function isPlace(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
