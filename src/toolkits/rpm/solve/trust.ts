import { readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';

import type { Context, CreateContext, Store, Trust } from '../../../contract/index.ts';
import { byBytes, isSafeAbsolute } from '../../../model/index.ts';
import { localRoot } from '../../../roots/local.ts';
import { readCertificates, type Certificate } from '../../apt/read/openpgp.ts';
import { listFolder, readOne } from '../../apt/read/reader.ts';
import { openWorkshop, type Workshop } from '../../apt/solve/workshop.ts';
import { wanted } from '../lay/wanted.ts';
import { lockedKeys, type RpmLock, type RpmSpec } from '../spec.ts';
import { signedPart } from './signed.ts';

/** Where a machine has the keys that its rpm trusts; and those of the package `distribution-gpg-keys`, by vendor. */
const foldersOf = ({ vendor = 'redhat' }: RpmSpec): readonly string[] => [
  '/etc/pki/rpm-gpg',
  ...(/^[a-z0-9_-]+$/.test(vendor) ? [`/usr/share/distribution-gpg-keys/${vendor}`] : []),
];

const script = `
n=0
while [ "$n" -lt "$1" ]; do
  echo "REPRONIM $n"
  gpgv --weak-digest SHA1 --status-fd 1 --keyring ./keys.gpg "./$n.sig" "./$n" 2>>./said
  [ $? -lt 126 ] || exit 127
  n=$((n + 1))
done
exit 0
`;

/**
 * Who vouches for the locked packages: whose own signature was verified just now, by a key that this machine trusts or
 * that the file brings. A hash in a file proves nothing by itself.
 */
export async function trust(spec: RpmSpec, lock: RpmLock, context: CreateContext): Promise<Trust> {
  const keys = lockedKeys(lock.packages);
  const signed = lock.packages.filter(({ repacked }) => repacked !== true);
  // create would get them anyway; their signatures are in them
  if (signed.length > 0) await context.fetch(await wanted(spec, { ...lock, packages: signed, changed: [] }, context));
  const own = await ownKeys(spec, context);
  const prints = new Set(own.map(({ fingerprint }) => fingerprint));
  const brought = (await broughtKeys(lock, context.store)).filter(({ fingerprint }) => !prints.has(fingerprint));
  const vouched = new Map<string, string>();
  let because: string | undefined;
  if (signed.length > 0 && own.length + brought.length > 0) {
    await using workshop = await openWorkshop(context);
    const signers = await verifyAll(signed, [...own, ...brought], workshop, context);
    if (signers === undefined) because = 'nothing here can verify signatures: install gpgv';
    else for (const [sha256, signer] of signers) vouched.set(sha256, signer);
  }
  const nobody = lock.packages.flatMap(({ sha256 }, index) => (vouched.has(sha256) ? [] : [keys[index] ?? '']));
  const byMachine = lock.packages.filter(({ sha256 }) => prints.has(vouched.get(sha256) ?? '')).length;
  const isRepacked = lock.packages.every(({ sha256, repacked }) => vouched.has(sha256) || repacked === true);
  const why = because ?? (isRepacked ? 'repacked' : 'not signed by a key that is known here');
  return {
    packages: lock.packages.length,
    byMachine,
    byBundle: lock.packages.length - byMachine - nobody.length,
    byNobody: nobody.sort(byBytes),
    ...(nobody.length === 0 ? {} : { because: why }),
  };
}

/** The primary fingerprint of who signed each, by the package's sha256; undefined where nothing can verify. */
async function verifyAll(
  packages: RpmLock['packages'],
  certificates: readonly Certificate[],
  workshop: Workshop,
  { store }: CreateContext,
): Promise<ReadonlyMap<string, string> | undefined> {
  const found = new Map<string, string>();
  const open: string[] = [];
  for (const { sha256 } of packages) {
    const file = await store.find(sha256);
    const part = file === undefined ? undefined : await signedPart(file).catch(() => undefined);
    if (part === undefined) continue;
    writeFileSync(join(workshop.folder, String(open.length)), part.content);
    writeFileSync(join(workshop.folder, `${open.length}.sig`), part.signature);
    open.push(sha256);
  }
  writeFileSync(join(workshop.folder, 'keys.gpg'), Buffer.concat(certificates.map(({ bytes }) => bytes)));
  const { status, stdout } = await workshop.run(['/bin/sh', '-c', script, 'sh', String(open.length)], {
    accept: 'any',
  });
  if (status === 127) return undefined;
  for (const part of stdout
    .toString('latin1')
    .split(/^REPRONIM /m)
    .slice(1)) {
    const sha256 = open[Number.parseInt(part, 10)];
    const print = /^\[GNUPG:\] VALIDSIG ([0-9A-F]+)/m.exec(part)?.[1];
    const isGood = /^\[GNUPG:\] (?:GOODSIG|EXPKEYSIG) /m.test(part);
    const isBad = /^\[GNUPG:\] (?:BADSIG|ERRSIG|REVKEYSIG|EXPSIG) /m.test(part);
    const signer = certificates.find(({ fingerprints }) => print !== undefined && fingerprints.includes(print));
    if (sha256 !== undefined && signer !== undefined && isGood && !isBad) found.set(sha256, signer.fingerprint);
  }
  return found;
}

/** Keys of this machine, and of files that the configuration names (`[redhat] keyrings = ["FILE"]`). */
async function ownKeys(spec: RpmSpec, { settings }: Context): Promise<readonly Certificate[]> {
  await using machine = localRoot('/');
  const { keyrings } = settings(spec.type);
  const named = Array.isArray(keyrings) ? keyrings : typeof keyrings === 'string' ? keyrings.split(':') : [];
  const files = named.filter((file): file is string => typeof file === 'string' && isSafeAbsolute(file));
  for (const folder of foldersOf(spec)) {
    for (const name of await listFolder(machine, folder)) files.push(posix.join(folder, name));
  }
  const found: Certificate[] = [];
  for (const file of files) {
    const read = await readOne(machine, file);
    if ('content' in read && read.content.length < 1024 * 1024) found.push(...readCertificates(read.content));
  }
  return [...new Map(found.map((one) => [one.fingerprint, one])).values()];
}

async function broughtKeys({ keys }: RpmLock, store: Store): Promise<readonly Certificate[]> {
  const found: Certificate[] = [];
  for (const { sha256 } of Object.values(keys ?? {})) {
    const file = await store.find(sha256);
    if (file !== undefined) found.push(...readCertificates(readFileSync(file)));
  }
  return [...new Map(found.map((one) => [one.fingerprint, one])).values()];
}
