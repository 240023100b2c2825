import { byBytes, isSafeAbsolute } from '../../../model/index.ts';
import { parseHeader, tags, type Header } from '../header.ts';
import { isArchitecture, isEvr, isPackageName } from '../names.ts';
import { formatEvr, type Evr } from '../version.ts';

/** A package of rpm's database. Its files and dependencies are read from `header` when they are asked for. */
export interface RpmPackage {
  /** `name.architecture`; where several versions of it are installed, `name-version-release.architecture`. */
  readonly key: string;
  readonly name: string;
  readonly evr: Evr;
  /** `EPOCH:VERSION-RELEASE`. */
  readonly version: string;
  readonly architecture: string;
  readonly header: Header;
}

/** One file of a package, as its header has it. */
export interface RpmFile {
  readonly path: string;
  readonly mode: number;
  readonly size: number;
  /** Seconds since the epoch. */
  readonly mtime: number;
  /** Hexadecimal; empty where it is no plain file. */
  readonly digest: string;
  readonly link: string;
  readonly user: string;
  readonly group: string;
  readonly flags: number;
  readonly verify: number;
  readonly state: number;
  /** As cap_to_text(3) writes them; empty where it has none. */
  readonly capabilities: string;
}

/** rpm's lib/rpmfiles.h. */
export const fileFlags = { config: 1, documentation: 2, missingOk: 8, noReplace: 16, ghost: 64 } as const;
export const fileStates = { normal: 0, replaced: 1, notInstalled: 2, netShared: 3, wrongColour: 4 } as const;

/** Reads a header as a package; undefined where it is none that anybody could install. Keys are given later. */
export function toPackage(blob: Buffer): Omit<RpmPackage, 'key'> | undefined {
  const header = parseHeader(blob);
  if (header === undefined) return undefined;
  const name = header.text(tags.name) ?? '';
  const release = header.text(tags.release) ?? '';
  const evr = { epoch: header.numbers(tags.epoch)[0] ?? 0, version: header.text(tags.version) ?? '', release };
  const version = formatEvr(evr);
  // what stands for a key has no architecture
  const architecture = header.text(tags.architecture) ?? 'noarch';
  if (!isPackageName(name) || !isEvr(version) || release === '') return undefined;
  if (!isArchitecture(architecture) && architecture !== '(none)') return undefined;
  return { name, evr, version, architecture: architecture === '(none)' ? 'noarch' : architecture, header };
}

/** Keys for packages of one root, which are returned sorted by them. */
export function keyed(packages: readonly Omit<RpmPackage, 'key'>[]): RpmPackage[] {
  const groups = Map.groupBy(packages, ({ name, architecture }) => `${name}.${architecture}`);
  const found = new Map<string, RpmPackage>();
  for (const [plain, group] of groups) {
    for (const one of group) {
      const { version, release } = one.evr;
      const key = group.length === 1 ? plain : `${one.name}-${version}-${release ?? ''}.${one.architecture}`;
      found.set(key, { ...one, key });
    }
  }
  return [...found.values()].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** The architecture of a system: that of most of its packages. */
export function mainArchitecture(packages: readonly { readonly architecture: string }[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { architecture } of packages) counts.set(architecture, (counts.get(architecture) ?? 0) + 1);
  counts.delete('noarch');
  return [...counts].sort(([a, m], [b, n]) => n - m || byBytes(a, b))[0]?.[0];
}

/** What a package is called on a system of that architecture: with its own where that is another. */
export function calledIn(
  { name, architecture }: { readonly name: string; readonly architecture: string },
  native: string | undefined,
): string {
  return architecture === native || architecture === 'noarch' ? name : `${name}.${architecture}`;
}

/** The paths of a package's files, and for each the folder as its header has it (`/usr/bin/`). Others are left out. */
export function pathsOf({ header }: Pick<RpmPackage, 'header'>): {
  readonly folders: readonly string[];
  readonly indexes: readonly number[];
  readonly names: readonly string[];
} {
  return {
    folders: header.texts(tags.directoryNames),
    indexes: header.numbers(tags.directoryIndexes),
    names: header.texts(tags.baseNames),
  };
}

/** Every file of a package; paths that are not safe are left out. */
export function filesOf(one: Pick<RpmPackage, 'header'>): RpmFile[] {
  const { header } = one;
  const { folders, indexes, names } = pathsOf(one);
  const modes = header.numbers(tags.fileModes);
  const long = header.numbers(tags.longFileSizes);
  const sizes = long.length > 0 ? long : header.numbers(tags.fileSizes);
  const times = header.numbers(tags.fileTimes);
  const digests = header.texts(tags.fileDigests);
  const links = header.texts(tags.fileLinks);
  const users = header.texts(tags.fileUsers);
  const groups = header.texts(tags.fileGroups);
  const flags = header.numbers(tags.fileFlags);
  const verify = header.numbers(tags.fileVerify);
  const states = header.numbers(tags.fileStates);
  const capabilities = header.texts(tags.fileCapabilities);
  return names.flatMap((name, index): RpmFile[] => {
    const path = `${folders[indexes[index] ?? -1] ?? ''}${name}`;
    if (!isSafeAbsolute(path)) return [];
    return [
      {
        path,
        mode: modes[index] ?? 0,
        size: sizes[index] ?? 0,
        mtime: times[index] ?? 0,
        digest: digests[index] ?? '',
        link: links[index] ?? '',
        user: users[index] ?? 'root',
        group: groups[index] ?? 'root',
        flags: flags[index] ?? 0,
        verify: verify[index] ?? 0xffffffff,
        state: states[index] ?? 0,
        capabilities: capabilities[index] ?? '',
      },
    ];
  });
}

/** The algorithm of the files' digests, as node:crypto calls it; undefined where it is not known. */
export function digestAlgorithm({ header }: Pick<RpmPackage, 'header'>): string | undefined {
  const known: Readonly<Record<number, string>> = { 1: 'md5', 2: 'sha1', 8: 'sha256', 9: 'sha384', 10: 'sha512' };
  return known[header.numbers(tags.digestAlgorithm)[0] ?? 1];
}
