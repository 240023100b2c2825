import { createHash } from 'node:crypto';
import { posix } from 'node:path';

/** A key of git-annex (git-annex docs, "internals/key_format"): `BACKEND-sSIZE-mTIME-…--NAME`. */
export interface AnnexKey {
  /** As files are named for it: what can't stand in a name is escaped. */
  readonly key: string;
  readonly backend: string;
  readonly size?: number;
  /** What the name says of the content, where the backend hashes it, in hexadecimal. */
  readonly digest?: {
    readonly algorithm: 'sha256' | 'sha512' | 'sha384' | 'sha224' | 'sha1' | 'md5';
    readonly hex: string;
  };
}

const backends: Readonly<Record<string, [NonNullable<AnnexKey['digest']>['algorithm'], digits: number]>> = {
  SHA256: ['sha256', 64],
  SHA512: ['sha512', 128],
  SHA384: ['sha384', 96],
  SHA224: ['sha224', 56],
  SHA1: ['sha1', 40],
  MD5: ['md5', 32],
};

/** Reads a key; undefined where it is none, or can be no file's name. */
export function parseKey(text: string): AnnexKey | undefined {
  if (text.length > 4000 || /[/\0\n\r]/.test(text)) return undefined;
  const [, backend = '', fields = '', name = ''] = /^([A-Z][A-Z0-9_]*)((?:-[A-Za-z][0-9]*)*)--(.+)$/su.exec(text) ?? [];
  if (backend === '') return undefined;
  const size = /-s([0-9]{1,15})/.exec(fields)?.[1];
  const [algorithm, digits] = backends[backend.replace(/E$/, '')] ?? [];
  const hex = /^[0-9a-f]+/.exec(name)?.[0] ?? '';
  return {
    key: text,
    backend,
    ...(size === undefined ? {} : { size: Number(size) }),
    ...(algorithm !== undefined && hex.length === digits ? { digest: { algorithm, hex } } : {}),
  };
}

/** The key that a link into the annex, or an object's path, leads to. */
export function keyOfPath(path: string): AnnexKey | undefined {
  const [, folder, file] = /(?:^|\/)annex\/objects\/(?:[^/]+\/){0,3}?([^/]+)\/([^/]+)$/su.exec(path) ?? [];
  return folder === undefined || folder !== file ? undefined : parseKey(file);
}

/** The key in a pointer file, which stands for a file in the index: `/annex/objects/KEY`. */
export function keyOfPointer(bytes: Uint8Array): AnnexKey | undefined {
  if (bytes.length > 32_768) return undefined;
  const line = /^\/annex\/objects\/([^\n]+)\n?/.exec(Buffer.from(bytes).toString('utf8'))?.[1];
  // slashes are escaped in the file's name only
  return line === undefined ? undefined : parseKey(line.split('/').at(-1) ?? '');
}

const letters = '0123456789zqjxkmvwgpfZQJXKMVWGPF';

/** Where a key lies in `.git/annex/objects` of a repository with a work tree: `Xx/yY`. */
export function mixedFolder(key: string): string {
  const word = createHash('md5').update(unescaped(key)).digest().readUInt32LE(0);
  const chars = Array.from({ length: 6 }, (_, index) => letters[Math.floor(word / 64 ** index) % 32] ?? '');
  const swapped = [1, 0, 3, 2].map((index) => chars[index] ?? '').join('');
  return `${swapped.slice(0, 2)}/${swapped.slice(2, 4)}`;
}

/** Where a key lies in a bare repository, and its log in the git-annex branch: `abc/def`. */
export function lowerFolder(key: string): string {
  const hex = createHash('md5').update(unescaped(key)).digest('hex');
  return `${hex.slice(0, 3)}/${hex.slice(3, 6)}`;
}

/** The path of a key's content below the git dir. */
export function objectPath(key: string): string {
  return posix.join('annex/objects', mixedFolder(key), key, key);
}

/** Keys that are addresses: `/` is `%` in names, `%` is `&s`, `&` is `&a`, `:` is `&c`. */
function unescaped(key: string): string {
  return key.replaceAll('%', '/').replaceAll('&s', '%').replaceAll('&c', ':').replaceAll('&a', '&');
}
