import { isArchitecture, isEvr, isLocation, isPackageName } from '../names.ts';
import { formatEvr } from '../version.ts';

/** A package as a repository offers it (createrepo_c's primary.xml). */
export interface Offer {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly sha256: string;
  readonly size: number;
  readonly location: string;
  /** Seconds since the epoch. */
  readonly built: number;
}

/** Of an element with its attributes, in characters. */
const longest = 8192;

/**
 * The offers of a `primary.xml` whose name is wanted, quickly: the others' text is not looked at. Words that can't be
 * names, versions or paths are no offers.
 */
export function scanPrimary(text: string, isWanted: (name: string) => boolean): Offer[] {
  const offers: Offer[] = [];
  for (let at = text.indexOf('<package '); at !== -1;) {
    const next = text.indexOf('<package ', at + 9);
    const end = next === -1 ? text.length : next;
    const start = text.indexOf('<name>', at);
    const stop = start === -1 || start > end ? -1 : text.indexOf('</name>', start);
    if (stop !== -1 && stop < end) {
      const name = text.slice(start + 6, stop);
      if (isWanted(name)) {
        const offer = toOffer(name, text.slice(at, end));
        if (offer !== undefined) offers.push(offer);
      }
    }
    at = next;
  }
  return offers;
}

function toOffer(name: string, block: string): Offer | undefined {
  const start = block.indexOf('<arch>');
  const architecture = start === -1 ? '' : (block.slice(start + 6, start + 100).split('<')[0] ?? '');
  const versions = attributesOf(block, 'version');
  const version = formatEvr({
    epoch: Number(versions.get('epoch') ?? 0),
    version: versions.get('ver') ?? '',
    release: versions.get('rel') ?? '',
  });
  const sha256 = attributesOf(block, 'checksum').get('type') === 'sha256' ? contentOf(block, 'checksum') : '';
  const size = Number(attributesOf(block, 'size').get('package') ?? Number.NaN);
  const built = Number(attributesOf(block, 'time').get('build') ?? 0);
  const location = attributesOf(block, 'location').get('href') ?? '';
  if (!isPackageName(name) || !isArchitecture(architecture) || !isEvr(version) || !isLocation(location))
    return undefined;
  if (!/^[0-9a-f]{64}$/.test(sha256) || !Number.isSafeInteger(size) || size < 0) return undefined;
  return { name, version, architecture, sha256, size, location, built };
}

/** The attributes of the first element of that name; longer ones than any that there is are none. */
function attributesOf(block: string, element: string): Map<string, string> {
  const start = block.indexOf(`<${element} `);
  const end = start === -1 ? -1 : block.indexOf('>', start);
  if (end === -1 || end - start > longest) return new Map();
  const found = [...block.slice(start, end).matchAll(/([a-z:]+)="([^"]*)"/g)];
  return new Map(found.map(([, key = '', value = '']) => [key, decodeEntities(value)]));
}

/** What stands after the first element of that name, up to the next. */
function contentOf(block: string, element: string): string {
  const start = block.indexOf(`<${element} `);
  const end = start === -1 ? -1 : block.indexOf('>', start);
  return end === -1 ? '' : (block.slice(end + 1, end + 1 + longest).split('<')[0] ?? '').trim();
}

function decodeEntities(text: string): string {
  const known: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replaceAll(/&([a-z]+);/g, (whole, name: string) => known[name] ?? whole);
}
