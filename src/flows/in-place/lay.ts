import { ancestors, byBytes, UserError, type Step } from '../../model/index.ts';
import type { Session, Stat, Store } from '../../contract/index.ts';
import { encodeHeader, tarEnd, tarPadding, type Header } from '../../roots/tar-header.ts';
import { digestOfMember, layingOf, type Laid } from './laying.ts';

/** One path that was made in a place that had been there before. */
export interface MadePath {
  readonly path: string;
  readonly type: Laid['type'];
  readonly sha256?: string;
  readonly size?: number;
  readonly target?: string;
  /** Something else was there before: it was kept, and comes back. */
  readonly replaced?: true;
}

/** What laying would do to a place, and what is in its way. */
export interface Laying {
  /** Paths that are not there, folders on the way included, sorted. */
  readonly made: readonly MadePath[];
  /** Paths at which something else is that makes room, sorted. */
  readonly replaced: readonly MadePath[];
  /** The real path of everything that is wanted, also of what is there already. */
  readonly wanted: ReadonlySet<string>;
  /** What is there and different, and stays: sorted. */
  readonly inTheWay: readonly string[];
  /** How many are there already as they should be. */
  readonly same: number;
  /** The real path, by the path in the steps, of what is to be written. */
  readonly places: ReadonlyMap<string, string>;
}

type Wanted = Pick<Laid, 'type' | 'mode' | 'size'> & { readonly sha256?: string; readonly target?: string };

/** Compares what steps lay with what is there. Nothing is changed. `replacing` says what makes room where it is different. */
export async function planLaying(
  steps: readonly Step[],
  session: Session,
  store: Store,
  replacing: (path: string) => boolean,
): Promise<Laying> {
  const wanted = new Map<string, Wanted>();
  for await (const member of layingOf(steps, store)) {
    const { path, type, mode, size, target } = member;
    const sha256 = type === 'file' ? { sha256: await digestOfMember(member) } : {};
    wanted.set(path, { type, mode, size, ...sha256, ...(target === undefined ? {} : { target }) });
  }
  const paths = [...wanted.keys()].sort(byBytes);
  const real = await realPlaces(paths, session);
  const stats = await session.root.lstat(paths.map((path) => real.get(path) ?? path));
  const there = new Map(paths.map((path, index) => [path, stats[index]]));
  const same = await sameAlready(wanted, there, real, session);
  const made: MadePath[] = [];
  const inTheWay: string[] = [];
  const replaced: MadePath[] = [];
  const places = new Map<string, string>();
  for (const path of paths) {
    const want = wanted.get(path);
    if (want === undefined || same.has(path)) continue;
    const stat = there.get(path);
    const place = real.get(path) ?? path;
    if (stat === undefined) made.push(madePath(place, want));
    else if (replacing(place) && canReplace(stat, want)) replaced.push(madePath(place, want));
    else {
      inTheWay.push(place);
      continue;
    }
    places.set(path, place);
  }
  const folders = await missingFolders([...places.values()], session, new Set(made.map(({ path }) => path)));
  return {
    made: [...made, ...folders.map((path): MadePath => ({ path, type: 'directory' }))].sort((a, b) =>
      byBytes(a.path, b.path),
    ),
    replaced: replaced.sort((a, b) => byBytes(a.path, b.path)),
    wanted: new Set(paths.map((path) => real.get(path) ?? path)),
    inTheWay: inTheWay.sort(byBytes),
    same: same.size,
    places,
  };
}

/** What of it is written down before the first of it is laid. */
export function madeOf({ made, replaced }: Laying): readonly MadePath[] {
  return [...made, ...replaced.map((one): MadePath => ({ ...one, replaced: true }))];
}

/** Lays what was planned. A user who is not root owns all of it. */
export async function lay(
  steps: readonly Step[],
  { places, made }: Laying,
  session: Session,
  store: Store,
): Promise<void> {
  if (places.size > 0 || made.length > 0) await session.untar(tarOf(steps, places, store), '/');
}

async function* tarOf(
  steps: readonly Step[],
  places: ReadonlyMap<string, string>,
  store: Store,
): AsyncGenerator<Uint8Array> {
  for await (const member of layingOf(steps, store)) {
    const place = places.get(member.path);
    if (place === undefined || member.type === 'socket') continue;
    const { path: _, content, offset: __, ...header } = member;
    const target = member.type === 'hardlink' ? placeOf(member.target ?? '', places).slice(1) : member.target;
    yield encodeHeader({ ...(header as Omit<Header, 'name'>), name: place.slice(1), target });
    yield* content();
    yield tarPadding(member.size);
  }
  yield tarEnd;
}

function placeOf(path: string, places: ReadonlyMap<string, string>): string {
  return places.get(path) ?? path;
}

/** Where each path is in truth: links on the way are followed as far as there is a way. */
async function realPlaces(paths: readonly string[], session: Session): Promise<ReadonlyMap<string, string>> {
  const folders = [...new Set(paths.flatMap(ancestors))].sort(byBytes);
  const real = await session.root.realpath(folders);
  const known = new Map(folders.map((folder, index) => [folder, real[index]]));
  return new Map(
    paths.map((path) => {
      const nearest = ancestors(path)
        .filter((folder) => known.get(folder) !== undefined)
        .sort((a, b) => b.length - a.length)[0];
      if (nearest === undefined) return [path, path];
      const place = known.get(nearest) ?? nearest;
      return [path, `${place === '/' ? '' : place}${path.slice(nearest === '/' ? 0 : nearest.length)}`];
    }),
  );
}

async function sameAlready(
  wanted: ReadonlyMap<string, Wanted>,
  there: ReadonlyMap<string, Stat | undefined>,
  real: ReadonlyMap<string, string>,
  session: Session,
): Promise<ReadonlySet<string>> {
  const same = new Set<string>();
  const files: [path: string, sha256: string][] = [];
  for (const [path, want] of wanted) {
    const stat = there.get(path);
    if (stat === undefined) continue;
    const place = real.get(path) ?? path;
    if (want.type === 'directory') {
      if (stat.type === 'directory' || (stat.type === 'link' && (await leadsToFolder(place, session)))) same.add(path);
    } else if (want.type === 'link') {
      if (stat.type === 'link' && (await session.root.readlink(place)) === want.target) same.add(path);
    } else if (stat.type === 'file') {
      const sha256 = want.type === 'hardlink' ? wanted.get(want.target ?? '')?.sha256 : want.sha256;
      if (sha256 !== undefined && (stat.mode & 0o111) === (want.mode & 0o111)) files.push([path, sha256]);
    }
  }
  const digests = await session.root.digest(
    files.map(([path]) => real.get(path) ?? path),
    'sha256',
  );
  for (const [index, [path, sha256]] of files.entries()) if (digests[index] === sha256) same.add(path);
  return same;
}

async function leadsToFolder(path: string, session: Session): Promise<boolean> {
  const [real] = await session.root.realpath([path]);
  if (real === undefined) return false;
  const [stat] = await session.root.lstat([real]);
  return stat?.type === 'directory';
}

/** A folder is never replaced by a file, nor the other way round. */
function canReplace(stat: Stat, want: Wanted): boolean {
  return stat.type !== 'directory' && want.type !== 'directory';
}

function madePath(path: string, { type, sha256, size, target }: Wanted): MadePath {
  return { path, type, ...(sha256 === undefined ? {} : { sha256, size }), ...(target === undefined ? {} : { target }) };
}

async function missingFolders(
  paths: readonly string[],
  session: Session,
  known: ReadonlySet<string>,
): Promise<readonly string[]> {
  const folders = [...new Set(paths.flatMap(ancestors))].filter((path) => path !== '/' && !known.has(path));
  const stats = await session.root.lstat(folders);
  return folders.filter((_, index) => stats[index] === undefined);
}

/** Throws UserError 2 for what is there and different, and names it. */
export function refuseInTheWay({ inTheWay }: Pick<Laying, 'inTheWay'>, name: string): void {
  if (inTheWay.length === 0) return;
  throw new UserError(`${inTheWay.length} ${inTheWay.length === 1 ? 'file is' : 'files are'} there and different`, {
    status: 2,
    details: [...inTheWay.slice(0, 20), ...(inTheWay.length > 20 ? [`… and ${inTheWay.length - 20} more`] : [])],
    hint: `--force replaces what is in the way; deleting ${name} brings it back`,
  });
}
