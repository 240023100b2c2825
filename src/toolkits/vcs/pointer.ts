import { keyOfPointer } from './annex/key.ts';

/** What a file of the index stands for whose content is not in git. */
export interface Pointer {
  readonly by: 'lfs' | 'annex';
  readonly key: string;
  readonly size?: number;
  readonly digest?: { readonly algorithm: string; readonly hex: string };
}

/** Pointers are small: git-annex reads 32 kB of them, git-lfs one. */
const largestPointer = 32_768;

/** Reads a pointer of git-lfs (docs/spec.md there) or of git-annex; undefined where the blob is content itself. */
export function parsePointer(bytes: Uint8Array): Pointer | undefined {
  if (bytes.length > largestPointer) return undefined;
  const annexed = keyOfPointer(bytes);
  if (annexed !== undefined) {
    const { key, size, digest } = annexed;
    return { by: 'annex', key, ...(size === undefined ? {} : { size }), ...(digest === undefined ? {} : { digest }) };
  }
  if (bytes.length > 1024) return undefined;
  const text = Buffer.from(bytes).toString('latin1');
  if (!text.startsWith('version https://git-lfs.github.com/spec/v')) return undefined;
  const hex = /^oid sha256:([0-9a-f]{64})$/m.exec(text)?.[1];
  const size = /^size ([0-9]{1,15})$/m.exec(text)?.[1];
  if (hex === undefined || size === undefined) return undefined;
  return { by: 'lfs', key: hex, size: Number(size), digest: { algorithm: 'sha256', hex } };
}
