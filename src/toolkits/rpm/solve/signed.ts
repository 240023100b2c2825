import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';

import { headerMagic } from '../lay/build-header.ts';
import { withRpm } from '../lay/rpm-file.ts';
import { tags, type Header } from '../header.ts';

/** What of an .rpm was signed, and the OpenPGP signature of it, binary. */
export interface SignedPart {
  readonly content: Buffer;
  readonly signature: Buffer;
}

/** Tags of signature headers: of the header (RSA, DSA and EdDSA), and of header and payload. */
const ofHeader: readonly number[] = [268, 267];
const ofAll: readonly number[] = [1002, 1005];

/**
 * The signature of an .rpm that covers all of it: of its header, where the header has the payload's digest and that
 * is right; else of header and payload. Undefined where there is none.
 */
export async function signedPart(file: string): Promise<SignedPart | undefined> {
  const { signature, header, payloadAt } = await withRpm(file, file, (archive) => archive);
  const first = (candidates: readonly number[]) =>
    candidates.map((tag) => signature.bytes(tag)).find((bytes) => bytes !== undefined && bytes.length > 0);
  const short = first(ofHeader);
  const whole = Buffer.concat([headerMagic, header.blob]);
  if (short !== undefined && (await isPayload(file, header, payloadAt))) {
    return { content: whole, signature: Buffer.from(short) };
  }
  const long = first(ofAll);
  if (long === undefined) return undefined;
  return { content: Buffer.concat([whole, readFileSync(file).subarray(payloadAt)]), signature: Buffer.from(long) };
}

async function isPayload(file: string, header: Header, start: number): Promise<boolean> {
  const [wanted] = header.texts(tags.payloadDigests);
  if (wanted === undefined || !/^[0-9a-f]{64}$/.test(wanted)) return false;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { start, highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex') === wanted;
}
