import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';

import type { Context, Root, Store } from '../../../contract/index.ts';
import { isSafeAbsolute } from '../../../model/index.ts';
import { localRoot } from '../../../roots/local.ts';
import { findCertificates, type Keys } from './keys.ts';
import { readCertificates, type Certificate } from './openpgp.ts';
import { listFolder } from './reader.ts';
import { readSources, type Entry } from './sources.ts';
import type { AptLock } from '../spec.ts';

/** The keys of this machine. */
export interface MachineKeys {
  /** What this machine's apt accepts: its own keys, those that its sources name, and the archives' own keyrings. */
  trusted(): Promise<readonly Certificate[]>;
  /** What it accepts for one of its sources. */
  of(entry: Entry): Promise<readonly Certificate[]>;
  /** Those with one of these fingerprints, in any keyring of the machine: a keyring alone is not trusted. */
  named(fingerprints: readonly string[]): Promise<readonly Certificate[]>;
}

const folders = ['/usr/share/keyrings', '/etc/apt/keyrings'];

/**
 * Looks at this machine's keyrings as they are asked for. `type` names the distribution whose archive is meant. What the
 * configuration names (`[apt] keyrings = ["FILE"]`) is trusted like what the machine's apt has.
 */
export function readMachineKeys(type: string, { settings }: Context, root: Root = localRoot()): MachineKeys {
  const { keyrings } = settings('apt');
  const files = typeof keyrings === 'string' ? keyrings.split(':') : Array.isArray(keyrings) ? keyrings : [];
  const own = files.filter((file): file is string => typeof file === 'string' && isSafeAbsolute(file));
  const keys = findCertificates(root);
  const inFolders = async (wanted: (name: string) => boolean) => {
    const files: string[] = [];
    for (const folder of folders) {
      for (const name of await listFolder(root, folder)) {
        if (/\.(?:gpg|asc|pgp)$/.test(name) && wanted(name)) files.push(posix.join(folder, name));
      }
    }
    return files;
  };
  // what an archive has taken back lies beside it
  const archive = (name: string) => name.startsWith(`${type}-archive-`) && !name.includes('removed');
  return {
    async trusted() {
      const named = (await readSources(root)).map(({ signedBy }) => keys.of(signedBy));
      const found = [...(await keys.of(undefined)), ...(await Promise.all(named)).flat()];
      return distinct([...found, ...(await ofFiles(keys, [...own, ...(await inFolders(archive))]))]);
    },
    of: async (entry) => distinct(await keys.of(entry.signedBy)),
    async named(fingerprints) {
      if (fingerprints.length === 0) return [];
      const all = [...(await keys.of(undefined)), ...(await ofFiles(keys, [...own, ...(await inFolders(() => true))]))];
      return distinct(all.filter((one) => one.fingerprints.some((fingerprint) => fingerprints.includes(fingerprint))));
    },
  };
}

/** The keys that a file brings, of those that it names: content that has another fingerprint is none of them. */
export async function broughtKeys(
  lock: Pick<AptLock, 'keys'> | undefined,
  fingerprints: readonly string[] | undefined,
  store: Store,
): Promise<readonly Certificate[]> {
  const found: Certificate[] = [];
  for (const [fingerprint, { sha256 }] of Object.entries(lock?.keys ?? {})) {
    if (fingerprints?.includes(fingerprint) === false) continue;
    const file = await store.find(sha256);
    if (file === undefined) continue;
    found.push(...readCertificates(await readFile(file)).filter((one) => one.fingerprint === fingerprint));
  }
  return distinct(found);
}

async function ofFiles(keys: Keys, files: readonly string[]): Promise<readonly Certificate[]> {
  return files.length === 0 ? [] : await keys.of({ files, fingerprints: [] });
}

function distinct(certificates: readonly Certificate[]): Certificate[] {
  return [...new Map(certificates.map((one) => [one.bytes.toString('latin1'), one])).values()];
}
