/** What an image in the Singularity Image Format says of itself. */
export interface Sif {
  readonly architecture?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The definition that it was built from. */
  readonly definition?: string;
  /** The spec that we have put into it, as bytes. */
  readonly spec?: Buffer;
  /** The file system of the image; `kind` is `squashfs` where it is one that anybody can read. */
  readonly system?: { readonly kind: 'squashfs' | 'other'; readonly offset: number; readonly size: number };
}

/** Reads bytes of a file; fewer where it ends. */
export type ReadAt = (offset: number, length: number) => Buffer;

/** Numbers of the format (sif's `sif.go`): kinds of content, and codes of architectures. */
export const kinds = {
  definition: 0x4001,
  labels: 0x4003,
  partition: 0x4004,
  json: 0x4006,
  generic: 0x4007,
} as const;
export const architectures: Readonly<Record<string, string>> = {
  '01': '386',
  '02': 'amd64',
  '03': 'arm',
  '04': 'arm64',
  '05': 'ppc64',
  '06': 'ppc64le',
  '11': 's390x',
  '12': 'riscv64',
};

/** Where things stand in a descriptor, and what a partition says in its last field. */
export const descriptorSize = 585;
export const fields = { used: 4, id: 5, group: 9, offset: 17, size: 25, stored: 33, name: 73, extra: 201 } as const;
export const squashfsKind = 1;
export const primarySystem = 2;

/** The name of the part that holds a spec. */
export const specName = 'repronim.yaml';

/** Larger parts are none that tell what an image is; all of them together are no more than this. */
const partLimit = 4 * 1024 * 1024;
const specLimit = 64 * 1024 * 1024;
const allLimit = 80 * 1024 * 1024;
const mostDescriptors = 4096;

/** The header and descriptors of a SIF, and the parts that describe it. Never throws for its bytes. */
export function parseSif(readAt: ReadAt): Sif | undefined {
  const header = readAt(0, 128);
  if (header.length < 128 || !isSif(header)) return undefined;
  const total = Number(header.readBigInt64LE(88));
  const offset = Number(header.readBigInt64LE(96));
  if (!isPlace(total) || !isPlace(offset) || total > mostDescriptors) return undefined;
  const table = readAt(offset, total * descriptorSize);
  const labels: Record<string, string> = {};
  let definition: string | undefined;
  let spec: Buffer | undefined;
  let system: Sif['system'];
  let left = allLimit;
  for (let at = 0; at + descriptorSize <= table.length; at += descriptorSize) {
    const descriptor = table.subarray(at, at + descriptorSize);
    if (descriptor.readUInt8(fields.used) === 0) continue;
    const kind = descriptor.readInt32LE(0);
    const start = Number(descriptor.readBigInt64LE(fields.offset));
    const size = Number(descriptor.readBigInt64LE(fields.size));
    if (!isPlace(start) || !isPlace(size)) continue;
    if (kind === kinds.partition) system = systemOf(descriptor, start, size) ?? system;
    const isSpec = kind === kinds.generic && nameOf(descriptor) === specName;
    if (!isSpec && kind !== kinds.definition && kind !== kinds.labels && kind !== kinds.json) continue;
    if (size > Math.min(left, isSpec ? specLimit : partLimit)) continue;
    left -= size;
    const content = readAt(start, size);
    if (isSpec) spec ??= Buffer.from(content);
    else if (kind === kinds.definition) definition ??= textOf(content);
    else Object.assign(labels, parseLabels(textOf(content)));
  }
  const architecture = architectures[header.toString('latin1', 45, 47)];
  return {
    ...(architecture === undefined ? {} : { architecture }),
    labels,
    ...(definition === undefined ? {} : { definition }),
    ...(spec === undefined ? {} : { spec }),
    ...(system === undefined ? {} : { system }),
  };
}

/** Whether a file that begins so (64 bytes or more) is a SIF. */
export function isSif(start: Buffer): boolean {
  return start.toString('latin1', 32, 41) === 'SIF_MAGIC';
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

/** The root of the image; other partitions (overlays, data) are none. */
function systemOf(descriptor: Buffer, offset: number, size: number): Sif['system'] {
  if (descriptor.readInt32LE(fields.extra + 4) !== primarySystem) return undefined;
  return { kind: descriptor.readInt32LE(fields.extra) === squashfsKind ? 'squashfs' : 'other', offset, size };
}

function nameOf(descriptor: Buffer): string {
  return textOf(descriptor.subarray(fields.name, fields.extra));
}

function textOf(bytes: Buffer): string {
  return bytes.toString('utf8').replace(/\0+$/, '');
}

function isPlace(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
