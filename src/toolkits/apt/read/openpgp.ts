import { createHash } from 'node:crypto';

/** One key of a keyring with all that belongs to it (a transferable public key, RFC 9580 §10.1). */
export interface Certificate {
  /** Of the primary key, in capitals. */
  readonly fingerprint: string;
  /** Of the primary key and its subkeys. */
  readonly fingerprints: readonly string[];
  readonly userIds: readonly string[];
  /** Its packets, binary. */
  readonly bytes: Buffer;
}

/** Who made a signature: a fingerprint, or the eight bytes of a key id where there is no more; in capitals. */
export type Issuer = string;

const publicKey = 6;
const publicSubkey = 14;
const userId = 13;
const signature = 2;

interface Packet {
  readonly tag: number;
  readonly body: Buffer;
  readonly start: number;
  readonly end: number;
}

/** The keys of a keyring, armored or binary. What is broken ends it; what was read counts. */
export function readCertificates(keyring: Buffer): readonly Certificate[] {
  const found: Certificate[] = [];
  for (const part of dearmor(keyring)) {
    const packets = readPackets(part);
    const starts = packets.flatMap(({ tag }, index) => (tag === publicKey ? [index] : []));
    for (const [at, first] of starts.entries()) {
      const own = packets.slice(first, starts[at + 1] ?? packets.length);
      const fingerprints = own
        .filter(({ tag }) => tag === publicKey || tag === publicSubkey)
        .map(({ body }) => fingerprintOf(body))
        .filter((fingerprint) => fingerprint !== undefined);
      const [fingerprint] = fingerprints;
      if (fingerprint === undefined) continue;
      const userIds = own.filter(({ tag }) => tag === userId).map(({ body }) => body.toString('utf8'));
      const bytes = Buffer.from(part.subarray(own[0]?.start ?? 0, own.at(-1)?.end ?? 0));
      found.push({ fingerprint, fingerprints, userIds, bytes });
    }
  }
  return found;
}

/** Who made the signatures in a block of them (`Release.gpg`, the end of `InRelease`), armored or binary. */
export function readIssuers(block: Buffer): readonly Issuer[] {
  const issuers = dearmor(block)
    .flatMap((part) => readPackets(part))
    .filter(({ tag }) => tag === signature)
    .map(({ body }) => issuerOf(body))
    .filter((issuer) => issuer !== undefined);
  return [...new Set(issuers)];
}

/** Whether one of a certificate's keys is this issuer. */
export function isBy(certificate: Certificate, issuer: Issuer): boolean {
  return certificate.fingerprints.some((fingerprint) =>
    issuer.length > 16 || fingerprint.length > 40
      ? fingerprint === issuer || (issuer.length === 16 && fingerprint.startsWith(issuer))
      : fingerprint.endsWith(issuer),
  );
}

/** The binary parts of what may be armored (RFC 9580 §6.2), several blocks one after the other. */
function dearmor(bytes: Buffer): Buffer[] {
  const first = bytes[0] ?? 0;
  if ((first & 0x80) !== 0) return [bytes];
  const text = bytes.toString('latin1');
  const blocks = text.matchAll(/-----BEGIN PGP [A-Z ]+-----\r?\n([^]*?)-----END PGP [A-Z ]+-----/g);
  return [...blocks].map(([, inner = '']) => {
    // armor headers have a colon, the checksum begins with an equals sign
    const lines = inner.split(/\r?\n/).filter((line) => !line.includes(':') && !line.startsWith('='));
    return Buffer.from(lines.join(''), 'base64');
  });
}

function readPackets(bytes: Buffer): Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < bytes.length;) {
    const header = readHeader(bytes, at);
    if (header === undefined || header.start + header.length > bytes.length) break;
    const end = header.start + header.length;
    packets.push({ tag: header.tag, body: bytes.subarray(header.start, end), start: at, end });
    at = end;
  }
  return packets;
}

/** Both header formats of §4.2; partial lengths don't occur in keys and detached signatures. */
function readHeader(bytes: Buffer, at: number): { tag: number; start: number; length: number } | undefined {
  const first = bytes[at] ?? 0;
  if ((first & 0x80) === 0) return undefined;
  const one = bytes[at + 1] ?? 0;
  if ((first & 0x40) === 0) {
    const tag = (first >> 2) & 15;
    const size = 1 << (first & 3);
    if (size === 8 || at + 1 + size > bytes.length) return undefined;
    return { tag, start: at + 1 + size, length: bytes.readUIntBE(at + 1, size) };
  }
  const tag = first & 63;
  if (one < 192) return { tag, start: at + 2, length: one };
  if (one < 224) return { tag, start: at + 3, length: ((one - 192) << 8) + (bytes[at + 2] ?? 0) + 192 };
  if (one !== 255 || at + 6 > bytes.length) return undefined;
  return { tag, start: at + 6, length: bytes.readUInt32BE(at + 2) };
}

/** §5.5.4: over a prefix, the length and the body. */
function fingerprintOf(body: Buffer): string | undefined {
  const version = body[0];
  if (version === 4) {
    const prefix = Buffer.of(0x99, body.length >> 8, body.length & 255);
    return createHash('sha1').update(prefix).update(body).digest('hex').toUpperCase();
  }
  if (version === 6) {
    const prefix = Buffer.alloc(5, 0x9b);
    prefix.writeUInt32BE(body.length, 1);
    return createHash('sha256').update(prefix).update(body).digest('hex').toUpperCase();
  }
  return undefined;
}

function issuerOf(body: Buffer): Issuer | undefined {
  const version = body[0];
  if (version === 3) return body.subarray(7, 15).toString('hex').toUpperCase();
  if (version !== 4 && version !== 6) return undefined;
  const width = version === 6 ? 4 : 2;
  let at = 4;
  let id: string | undefined;
  // the hashed part, then the other
  for (let part = 0; part < 2; part++) {
    if (at + width > body.length) return id;
    const end = Math.min(body.length, at + width + body.readUIntBE(at, width));
    at += width;
    while (at < end) {
      const { start, length } = subpacket(body, at);
      const type = (body[start] ?? 0) & 127;
      const data = body.subarray(start + 1, start + length);
      if (type === 33) return data.subarray(1).toString('hex').toUpperCase();
      if (type === 16) id = data.toString('hex').toUpperCase();
      at = start + Math.max(1, length);
    }
    at = end;
  }
  return id;
}

function subpacket(body: Buffer, at: number): { start: number; length: number } {
  const first = body[at] ?? 0;
  if (first < 192) return { start: at + 1, length: first };
  if (first < 255) return { start: at + 2, length: ((first - 192) << 8) + (body[at + 1] ?? 0) + 192 };
  return { start: at + 5, length: at + 5 <= body.length ? body.readUInt32BE(at + 1) : body.length };
}
