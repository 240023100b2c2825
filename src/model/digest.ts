import { createHash } from 'node:crypto';

/** A digest as it is written in specs, locks and manifests: `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = `sha256:${string}`;

/** The JSON of RFC 8785 (JCS): keys sorted by UTF-16 code units, no white space, `undefined` members left out. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value as Record<string, unknown>)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

/** The sha256 of bytes or of a string's UTF-8, in lower-case hexadecimal. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The digest of a value's canonical JSON; equal values have equal digests whatever the order of their keys. */
export function digestOf(value: unknown): Digest {
  return `sha256:${sha256(canonicalJson(value))}`;
}
