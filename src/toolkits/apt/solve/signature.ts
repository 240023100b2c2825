import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { isBy, type Certificate } from '../read/openpgp.ts';
import type { Workshop } from './workshop.ts';

/** A text and the signatures of it. */
export interface Signed {
  readonly content: Buffer;
  /** Armored or binary. */
  readonly signature: Buffer;
}

/** Who has signed a text, by the keys that were given; primary fingerprints, sorted. */
export interface Signers {
  readonly good: readonly string[];
  /** Signed when it was valid, by a key that has expired since. */
  readonly expired: readonly string[];
}

const begin = '-----BEGIN PGP SIGNED MESSAGE-----\n';
const middle = '\n-----BEGIN PGP SIGNATURE-----\n';

/**
 * The text and the signature of a cleartext-signed message (RFC 9580 §7), which must be nothing else: what is read is
 * what was signed. Undefined where it is no such message.
 */
export function splitClearsigned(message: Buffer): Signed | undefined {
  const text = message.toString('latin1').replaceAll('\r\n', '\n');
  const head = text.indexOf('\n\n');
  const at = text.indexOf(middle);
  if (!text.startsWith(begin) || head === -1 || at < head || !/-----END PGP SIGNATURE-----\s*$/.test(text)) {
    return undefined;
  }
  // further armor headers than Hash, or a second message, have no place in a Release file
  if (!/^(?:Hash: [A-Za-z0-9, -]+\n?)*$/.test(text.slice(begin.length, head))) return undefined;
  const lines = text.slice(head + 2, at).split('\n');
  if (lines.some((line) => line.startsWith('-') && !line.startsWith('- '))) return undefined;
  const content = lines.map((line) => line.replace(/^- /, '').replace(/[ \t\r]+$/, '')).join('\n');
  return { content: Buffer.from(content, 'latin1'), signature: Buffer.from(text.slice(at + 1), 'latin1') };
}

/**
 * Has gpgv (or sqv, which newer Debians have instead) verify it, against these keys alone. Undefined where this machine
 * has neither.
 */
export async function verifySigned(
  signed: Signed,
  keys: readonly Certificate[],
  workshop: Workshop,
): Promise<Signers | undefined> {
  const base = `./${randomUUID()}`;
  const files = { [`${base}.gpg`]: Buffer.concat(keys.map(({ bytes }) => bytes)), [`${base}.sig`]: signed.signature };
  try {
    for (const [name, content] of Object.entries({ ...files, [base]: signed.content })) {
      writeFileSync(join(workshop.folder, name), content);
    }
    return (await byGpgv(base, keys, workshop)) ?? (await bySqv(base, keys, workshop));
  } finally {
    for (const name of [base, ...Object.keys(files)]) await rm(join(workshop.folder, name), { force: true });
  }
}

async function byGpgv(base: string, keys: readonly Certificate[], workshop: Workshop): Promise<Signers | undefined> {
  const weak = ['--weak-digest', 'SHA1', '--weak-digest', 'RIPEMD160'];
  const argv = ['gpgv', ...weak, '--status-fd', '1', '--keyring', `${base}.gpg`, `${base}.sig`, base] as const;
  const { status, stdout } = await workshop.run(argv, { accept: 'any' });
  if (status === 126 || status === 127) return undefined;
  const good = new Set<string>();
  const expired = new Set<string>();
  // each signature is NEWSIG, then what is wrong with it or GOODSIG, then VALIDSIG for both of these
  for (const one of stdout.toString('latin1').split('[GNUPG:] NEWSIG')) {
    const signer = primaryOf(/^\[GNUPG:\] VALIDSIG ([0-9A-F]+)/m.exec(one)?.[1], keys);
    if (signer === undefined || /^\[GNUPG:\] (?:BADSIG|ERRSIG|REVKEYSIG|EXPSIG) /m.test(one)) continue;
    if (/^\[GNUPG:\] GOODSIG /m.test(one)) good.add(signer);
    else if (/^\[GNUPG:\] EXPKEYSIG /m.test(one)) expired.add(signer);
  }
  return { good: [...good].sort(), expired: [...expired].sort() };
}

/** It says the fingerprint of each certificate that has signed, and nothing of those that have expired. */
async function bySqv(base: string, keys: readonly Certificate[], workshop: Workshop): Promise<Signers | undefined> {
  const argv = ['sqv', '--keyring', `${base}.gpg`, '--signature-file', `${base}.sig`, base] as const;
  const { status, stdout } = await workshop.run(argv, { accept: 'any' });
  if (status === 126 || status === 127) return undefined;
  if (status !== 0) return { good: [], expired: [] };
  const said = stdout.toString('latin1').split('\n');
  const good = said.map((line) => primaryOf(line.trim(), keys)).filter((signer) => signer !== undefined);
  return { good: [...new Set(good)].sort(), expired: [] };
}

function primaryOf(fingerprint: string | undefined, keys: readonly Certificate[]): string | undefined {
  if (fingerprint === undefined || fingerprint.length < 40) return undefined;
  return keys.find((one) => isBy(one, fingerprint))?.fingerprint;
}
