import { posix } from 'node:path';

import type { Root } from '../../../contract/index.ts';
import { readCertificates, type Certificate } from './openpgp.ts';
import { listFolder, readOne } from './reader.ts';
import type { SignedBy } from './sources.ts';

/** The keys that apt trusts in a root. */
export interface Keys {
  /** Those that a source names; without a name, all of apt's own. */
  of(signedBy: SignedBy | undefined): Promise<readonly Certificate[]>;
  /** Of those that were asked for: by the primary fingerprint. */
  byFingerprint(fingerprint: string): Certificate | undefined;
}

/** Reads keyrings as they are asked for, each once. */
export function findCertificates(root: Root): Keys {
  const files = new Map<string, Promise<readonly Certificate[]>>();
  const known = new Map<string, Certificate>();
  const remember = (found: readonly Certificate[]) => {
    for (const one of found) if (!known.has(one.fingerprint)) known.set(one.fingerprint, one);
    return found;
  };
  const file = (path: string) => {
    let read = files.get(path);
    if (read === undefined) {
      read = readOne(root, path).then((one) => remember('content' in one ? readCertificates(one.content) : []));
      files.set(path, read);
    }
    return read;
  };
  const own = async () => {
    const parts = (await listFolder(root, '/etc/apt/trusted.gpg.d')).filter((name) => /\.(?:gpg|asc)$/.test(name));
    const paths = ['/etc/apt/trusted.gpg', ...parts.map((name) => posix.join('/etc/apt/trusted.gpg.d', name))];
    return (await Promise.all(paths.map(file))).flat();
  };
  return {
    async of(signedBy) {
      if (signedBy === undefined) return own();
      if (signedBy.embedded !== undefined) return remember(readCertificates(Buffer.from(signedBy.embedded)));
      const found = signedBy.files.length === 0 ? await own() : (await Promise.all(signedBy.files.map(file))).flat();
      const { fingerprints } = signedBy;
      return fingerprints.length === 0
        ? found
        : found.filter((one) => one.fingerprints.some((fingerprint) => fingerprints.includes(fingerprint)));
    },
    byFingerprint: (fingerprint) => known.get(fingerprint),
  };
}
