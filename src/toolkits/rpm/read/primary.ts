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
  const architecture = /<arch>([^<]*)<\/arch>/.exec(block)?.[1] ?? '';
  const versions = attributes(/<version\s([^>]*)>/.exec(block)?.[1]);
  const version = formatEvr({
    epoch: Number(versions.get('epoch') ?? 0),
    version: versions.get('ver') ?? '',
    release: versions.get('rel') ?? '',
  });
  const sha256 = /<checksum\s[^>]*type="sha256"[^>]*>([0-9a-f]{64})</.exec(block)?.[1];
  const size = Number(attributes(/<size\s([^>]*)>/.exec(block)?.[1]).get('package') ?? Number.NaN);
  const built = Number(attributes(/<time\s([^>]*)>/.exec(block)?.[1]).get('build') ?? 0);
  const location = attributes(/<location\s([^>]*)>/.exec(block)?.[1]).get('href') ?? '';
  if (!isPackageName(name) || !isArchitecture(architecture) || !isEvr(version) || !isLocation(location))
    return undefined;
  if (sha256 === undefined || !Number.isSafeInteger(size) || size < 0) return undefined;
  return { name, version, architecture, sha256, size, location, built };
}

function attributes(text: string | undefined): Map<string, string> {
  const found = [...(text ?? '').matchAll(/([a-z:]+)="([^"]*)"/g)];
  return new Map(found.map(([, key = '', value = '']) => [key, decodeEntities(value)]));
}

function decodeEntities(text: string): string {
  const known: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replaceAll(/&([a-z]+);/g, (whole, name: string) => known[name] ?? whole);
}
