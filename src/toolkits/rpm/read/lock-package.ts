import type { Note } from '../../../model/index.ts';
import type { Root, TraceContext } from '../../../contract/index.ts';
import { tags } from '../header.ts';
import type { RpmLocked, Why } from '../spec.ts';
import type { Compared } from './changed.ts';
import type { History } from './history.ts';
import { keepPackage } from './keep.ts';
import type { Cached } from './metadata.ts';
import type { RpmPackage } from './package.ts';
import type { Offer } from './primary.ts';
import type { Repository } from './repositories.ts';

/** What is known of where packages come from. */
export interface Origins {
  readonly history: History;
  readonly repositories: ReadonlyMap<string, Repository>;
  readonly cached: Cached;
}

const buildTime = 1006;

/** What the lock says of a package; what no list offers is kept now, for only this machine has it. */
export async function lockPackage(
  root: Root,
  one: RpmPackage,
  why: Why,
  compared: Compared,
  origins: Origins,
  context: TraceContext,
): Promise<{ readonly locked: RpmLocked; readonly notes: readonly Note[] }> {
  const remembered = origins.history.of(one);
  const source = one.header.text(tags.sourceRpm);
  const vendor = one.header.text(tags.vendor);
  const label = one.header.text(tags.modularityLabel);
  const md5 = one.header.bytes(tags.sigMd5)?.toString('hex');
  const base = {
    name: one.name,
    version: one.version,
    architecture: one.architecture,
    ...(isLine(source) ? { source } : {}),
    ...(isLine(vendor) ? { vendor } : {}),
    ...(isLine(label) ? { module: label } : {}),
  };
  const identity = { ...headerDigest(one), ...(md5?.length === 32 ? { md5 } : {}) };
  const marks = { why, ...(remembered.manual === true ? { manual: true } : {}) };
  const offered = findOffer(one, remembered.from, origins);
  if (offered !== undefined) {
    const { offer, from } = offered;
    const { location: path, size, sha256 } = offer;
    return { locked: { ...base, from, path, size, sha256, ...identity, ...marks }, notes: [] };
  }
  const kept = await keepPackage(root, one, compared, origins.cached.files, context);
  return {
    locked: {
      ...base,
      ...(remembered.from === undefined ? {} : { from: remembered.from }),
      size: kept.size,
      sha256: kept.sha256,
      ...identity,
      ...marks,
      ...(kept.repacked ? { repacked: true } : {}),
      ...(kept.partial ? { partial: true } : {}),
    },
    notes: kept.notes,
  };
}

/** That of the repository that it came from, else any with the same build of it that others can ask. */
function findOffer(
  one: RpmPackage,
  from: string | undefined,
  { repositories, cached }: Origins,
): { readonly offer: Offer; readonly from: string } | undefined {
  const built = one.header.numbers(buildTime)[0];
  const ids = [...cached.offers.keys()].sort((a, b) => Number(b === from) - Number(a === from) || (a < b ? -1 : 1));
  for (const id of ids) {
    if (repositories.get(id)?.public !== true) continue;
    const offer = cached.offers
      .get(id)
      ?.find(
        ({ name, version, architecture, built: time }) =>
          name === one.name && version === one.version && architecture === one.architecture && time === built,
      );
    if (offer !== undefined) return { offer, from: id };
  }
  return undefined;
}

function headerDigest({ header }: RpmPackage): { readonly header?: string } {
  const long = header.text(tags.sha256Header);
  if (long !== undefined && /^[0-9a-f]{64}$/.test(long)) return { header: `sha256:${long}` };
  const short = header.text(tags.sha1Header);
  return short !== undefined && /^[0-9a-f]{40}$/.test(short) ? { header: `sha1:${short}` } : {};
}

function isLine(text: string | undefined): text is string {
  return text !== undefined && text !== '' && text !== '(none)' && text.length < 500 && !/[\0\r\n]/.test(text);
}
