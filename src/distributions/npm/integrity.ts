import { createHash } from 'node:crypto';

/** One digest of a Subresource Integrity text, the strongest; undefined where it has none that is known. */
export interface Integrity {
  readonly algorithm: 'sha512' | 'sha384' | 'sha256' | 'sha1';
  /** In hexadecimal. */
  readonly hex: string;
}

const lengths = { sha512: 128, sha384: 96, sha256: 64, sha1: 40 } as const;

/** Several digests may stand in one text, each perhaps with options (W3C Subresource Integrity, §3.5). */
export function parseIntegrity(text: string): Integrity | undefined {
  const found = new Map<string, string>();
  for (const word of text.split(/\s+/)) {
    const [, algorithm, value] = /^(sha512|sha384|sha256|sha1)-([A-Za-z0-9+/=]{1,128})(?:\?.*)?$/.exec(word) ?? [];
    if (algorithm !== undefined && value !== undefined) {
      found.set(algorithm, Buffer.from(value, 'base64').toString('hex'));
    }
  }
  for (const algorithm of ['sha512', 'sha384', 'sha256', 'sha1'] as const) {
    const hex = found.get(algorithm);
    if (hex?.length === lengths[algorithm]) return { algorithm, hex };
  }
  return undefined;
}

export function hasIntegrity(bytes: Uint8Array, { algorithm, hex }: Integrity): boolean {
  return createHash(algorithm).update(bytes).digest('hex') === hex;
}

/** The sha512 of bytes as npm writes it. */
export function sha512Of(bytes: Uint8Array): string {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
}
