import type { CreateContext } from '../../../contract/index.ts';
import { withDeb } from '../lay/deb.ts';
import { foundAs } from '../lay/recognise.ts';
import { wanted } from '../lay/wanted.ts';
import type { PackageWish } from '../names.ts';
import type { AptLock, AptPackage, AptPin, AptSpec } from '../spec.ts';
import type { Offered } from './catalogue.ts';
import { wishFits } from './requests.ts';

/** The locked packages that are to stay, and what apt has to know of those that no list has any more. */
export interface Held {
  readonly packages: readonly AptPackage[];
  /** Paragraphs of a Packages file. */
  readonly paragraphs: string;
}

/** What stays: all but what is to be renewed, what the wishes do not let stay, and what can be had nowhere any more. */
export async function findHeld(
  spec: AptSpec,
  lock: AptLock | undefined,
  renew: true | readonly string[],
  wishes: readonly PackageWish[],
  offers: ReadonlyMap<string, readonly Offered[]>,
  context: CreateContext,
): Promise<Held> {
  if (lock === undefined || renew === true) return { packages: [], paragraphs: '' };
  const stays = lock.packages.filter(
    (one) =>
      !renew.includes(one.name) &&
      wishes.every((wish) => !isMeant(wish, one, lock.architectures?.[0]) || wishFits(wish, one.version)),
  );
  const listed = new Set(stays.filter((one) => isOffered(one, offers)));
  const gone = stays.filter((one) => !listed.has(one));
  if (gone.length === 0) return { packages: stays, paragraphs: '' };
  // create would get them anyway; their dependencies are in them
  await context.fetch(await wanted(spec, { ...lock, packages: gone, keys: {}, changed: [] }, context));
  const had = await Promise.all(gone.map((one) => paragraphOf(one, context)));
  return {
    packages: stays.filter((one) => listed.has(one) || had[gone.indexOf(one)] !== undefined),
    paragraphs: had.filter((text) => text !== undefined).join('\n'),
  };
}

/** What makes apt take the held versions wherever it has the choice. */
export function holdPins(packages: readonly AptPackage[]): AptPin[] {
  return packages.map(({ name, architecture, version }) => ({
    packages: architecture === 'all' ? name : `${name}:${architecture}`,
    pin: `version ${version}`,
    priority: 1001,
  }));
}

function isMeant(wish: PackageWish, one: AptPackage, native: string | undefined): boolean {
  if (wish.name !== one.name) return false;
  return [wish.architecture ?? native ?? one.architecture, 'all'].includes(one.architecture);
}

function isOffered(one: AptPackage, offers: ReadonlyMap<string, readonly Offered[]>): boolean {
  return (offers.get(one.name) ?? []).some(
    ({ offer }) =>
      offer.version === one.version && offer.architecture === one.architecture && offer.sha256 === one.sha256,
  );
}

async function paragraphOf(one: AptPackage, { store }: CreateContext): Promise<string | undefined> {
  const file = await store.find((await foundAs(one, store)).sha256);
  if (file === undefined) return undefined;
  const control = await withDeb(file, `${one.name} ${one.version}`, async (deb) =>
    deb.control.find(({ name }) => name === 'control')?.content.toString('utf8'),
  );
  const kept = (control ?? '')
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^(?:Filename|Size|SHA256|Status):/i.test(line));
  return `${kept.join('\n')}\nFilename: ${one.sha256}.deb\nSize: ${one.size}\nSHA256: ${one.sha256}\n`;
}
