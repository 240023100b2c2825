import { isArchitecture, isPoolPath, isVersion } from '../names.ts';
import type { Release } from './release.ts';
import type { Entry } from './sources.ts';

/** One version of a package as an index offers it. */
export interface Offer {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Within the repository. */
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  /** What apt tells equal versions apart by. */
  readonly installedSize?: string;
  readonly depends?: string;
  readonly provides?: string;
  /** `NAME` or `NAME (VERSION)`, where the source package has another name or version. */
  readonly source?: string;
}

/** One index that apt has at hand, and where it comes from. */
export interface Index {
  readonly entry: Entry;
  readonly component: string | undefined;
  readonly release: Release | undefined;
  /** Primary fingerprints of the known keys that its Release file is signed by. */
  readonly signedBy: readonly string[];
  readonly offers: readonly Offer[];
}

const needle = Buffer.from('\nPackage: ');
const blank = Buffer.from('\n\n');

/**
 * What an index (`Packages`, not compressed) has of the wanted names. Bytes are searched, not paragraphs parsed: it
 * has sixty thousand, of which a few hundred are wanted.
 */
export function scanIndex(index: Buffer, wanted: { has(name: string): boolean }): Offer[] {
  const offers: Offer[] = [];
  const starts = index.subarray(0, 9).toString('latin1') === needle.toString('latin1', 1);
  for (let at = starts ? 0 : index.indexOf(needle) + 1; starts || at > 0;) {
    const from = at + 9;
    const found = index.indexOf(10, from);
    const end = found === -1 ? index.length : found;
    if (wanted.has(index.toString('latin1', from, end).trimEnd())) {
      const before = index.lastIndexOf(blank, at);
      const after = index.indexOf(blank, end);
      const text = index.toString('utf8', before === -1 ? 0 : before + 2, after === -1 ? index.length : after);
      const offer = toOffer(text);
      if (offer !== undefined) offers.push(offer);
    }
    at = index.indexOf(needle, end) + 1;
    if (at === 0) break;
  }
  return offers;
}

function toOffer(text: string): Offer | undefined {
  const field = (name: string) => new RegExp(`^${name}: *(.*)$`, 'm').exec(text)?.[1]?.trim();
  const name = field('Package') ?? '';
  const version = field('Version') ?? '';
  const architecture = field('Architecture') ?? '';
  const path = (field('Filename') ?? '').replace(/^(?:\.\/)+/, '');
  const size = Number(field('Size'));
  const sha256 = field('SHA256')?.toLowerCase() ?? '';
  if (!isVersion(version) || !isArchitecture(architecture) || !isPoolPath(path)) return undefined;
  if (!Number.isSafeInteger(size) || size <= 0 || !/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  const installedSize = field('Installed-Size');
  const depends = field('Depends');
  const provides = field('Provides');
  const source = field('Source');
  return {
    name,
    version,
    architecture,
    path,
    size,
    sha256,
    ...(installedSize === undefined ? {} : { installedSize }),
    ...(depends === undefined ? {} : { depends }),
    ...(provides === undefined ? {} : { provides }),
    ...(source === undefined ? {} : { source }),
  };
}
