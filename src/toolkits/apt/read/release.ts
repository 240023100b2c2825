import { parseParagraphs } from '../deb822.ts';
import { readIssuers, type Issuer } from './openpgp.ts';

/** What a repository says of a suite. */
export interface Release {
  readonly origin?: string;
  readonly label?: string;
  readonly suite?: string;
  readonly codename?: string;
  readonly version?: string;
  /** `YYYY-MM-DDTHH:MM:SSZ`. */
  readonly date?: string;
  readonly notAutomatic: boolean;
  readonly butAutomaticUpgrades: boolean;
  readonly issuers: readonly Issuer[];
}

/** Reads `InRelease`, or `Release` with its detached signature. The lists of hashes are not looked at. */
export function parseRelease(content: Buffer, detached?: Buffer): Release {
  const ends = ['\nSHA256:', '\nMD5Sum:', '\nSHA1:', '\nSHA512:'].map((name) => content.indexOf(name));
  const head = content
    .toString('utf8', 0, Math.min(...ends.filter((end) => end !== -1), content.length))
    .replace(/^-----BEGIN PGP SIGNED MESSAGE-----\n(?:.+\n)*\n/, '');
  const fields = parseParagraphs(head).next().value?.fields ?? new Map<string, string>();
  const text = (name: string) => {
    const value = fields.get(name)?.split('\n')[0]?.trim();
    return value === undefined || value === '' ? {} : { [name]: value };
  };
  const date = new Date(fields.get('date') ?? '');
  const at = content.lastIndexOf('-----BEGIN PGP SIGNATURE-----');
  const block = detached ?? (at === -1 ? undefined : content.subarray(at));
  return {
    ...text('origin'),
    ...text('label'),
    ...text('suite'),
    ...text('codename'),
    ...text('version'),
    ...(Number.isNaN(date.getTime()) ? {} : { date: date.toISOString().replace(/\.\d+Z$/, 'Z') }),
    notAutomatic: fields.get('notautomatic') === 'yes',
    butAutomaticUpgrades: fields.get('butautomaticupgrades') === 'yes',
    issuers: block === undefined ? [] : readIssuers(block),
  };
}
