import type { EnvironmentChange } from '../../model/index.ts';
import type { Need, Root } from '../../contract/index.ts';

/** A folder of packages for one language, and how its packages are found there. */
export interface LibraryKind {
  readonly type: string;
  /** As a person reads it: `R`. */
  readonly title: string;
  /** For summaries, in the singular: `R library`. */
  readonly noun: string;
  /** The names of the programs that use it, most usual first. */
  readonly programs: RegExp;
  readonly command: string;
  readonly needs: readonly Need[];
  /** Which library and which package each of these paths is of; paths that are none's are left out. */
  find(paths: readonly string[], root: Root): Promise<ReadonlyMap<string, Found>>;
  /** Keys of all packages of a library. */
  list(root: Root, top: string): Promise<readonly string[]>;
  /** Where a package says what it is, below its library; default: its key. */
  told?(key: string): string;
  /** The package with this key: undefined where there is none. */
  read(root: Root, top: string, key: string): Promise<LibraryPackage | undefined>;
  /** Other libraries where a package that is asked for may be; absent where what is loaded is all that is needed. */
  readonly elsewhere?: readonly string[];
  activate?(path: string): readonly EnvironmentChange[];
}

export interface Found {
  /** The library's folder. */
  readonly top: string;
  /** The package's key in it: by custom where it lies. Of what belongs to no package, the name of the part. */
  readonly key: string;
}

export interface LibraryPackage {
  readonly name: string;
  readonly version: string;
  /** Files and folders below the library. */
  readonly paths: readonly string[];
  /** Names of packages that it can't do without. */
  readonly requires?: readonly string[];
  /** What else tells which it is: where it came from, what it was built with. */
  readonly facts?: Readonly<Record<string, string>>;
}

/** A small file's text; undefined where it is not there, or can't be read. */
export async function readText(root: Root, path: string, limit = 4 * 1024 * 1024): Promise<string | undefined> {
  return (await root.readFile(path, limit).catch(() => undefined))?.toString('utf8');
}

/** The names in a folder that are folders (`directory`) or files; none where it is none. */
export async function namesIn(root: Root, path: string, type?: 'directory' | 'file'): Promise<string[]> {
  const entries = await root.readdir(path).catch(() => []);
  return entries.filter((entry) => type === undefined || entry.type === type).map(({ name }) => name);
}

/** What each path is by its text alone: a pattern whose first group is the library, and a key out of the match. */
export function byPattern(
  pattern: RegExp,
  keyOf: (match: RegExpExecArray) => string | undefined,
): (paths: readonly string[]) => Map<string, Found> {
  return (paths) => {
    const found = new Map<string, Found>();
    for (const path of paths) {
      const match = pattern.exec(path);
      const [, top] = match ?? [];
      const key = match === null ? undefined : keyOf(match);
      if (top !== undefined && key !== undefined) found.set(path, { top, key });
    }
    return found;
  };
}
