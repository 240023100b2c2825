import { isSafeAbsolute } from '../../model/index.ts';

/** One path that a package has in a prefix (or, before it is linked, in its artifact). */
export interface LinkedPath {
  /** Below the prefix. */
  readonly path: string;
  readonly type: 'file' | 'link' | 'directory' | 'compiled' | 'entry point';
  /** Of the content as the artifact has it, and as it is in the prefix. */
  readonly sha256?: string;
  readonly sha256InPrefix?: string;
  /** What stands for the prefix in the artifact's file, and how it is replaced. */
  readonly placeholder?: string;
  readonly replace?: 'text' | 'binary';
}

/** A package as `conda-meta/NAME-VERSION-BUILD.json` has it. */
export interface CondaRecord {
  readonly name: string;
  readonly version: string;
  readonly build: string;
  readonly buildNumber: number;
  readonly channel?: string;
  readonly subdir?: string;
  readonly url?: string;
  readonly file?: string;
  readonly md5?: string;
  readonly sha256?: string;
  readonly size?: number;
  readonly noarch?: string;
  readonly depends: readonly string[];
  readonly requested: readonly string[];
  /** Where a Python keeps packages: `lib/python3.13t/site-packages`. */
  readonly sitePackages?: string;
  readonly paths: readonly LinkedPath[];
}

const word = /^[A-Za-z0-9_][A-Za-z0-9_.!+~-]{0,199}$/;

/** A record of conda's, mamba's, micromamba's, rattler's or pixi's; undefined where it is none. Never throws. */
export function parseRecord(bytes: Uint8Array): CondaRecord | undefined {
  const value = parseObject(bytes);
  if (value === undefined) return undefined;
  const identity = parseIdentity(value);
  if (identity === undefined) return undefined;
  const text = (key: string) => (typeof value[key] === 'string' && value[key] !== '' ? value[key] : undefined);
  const noarch = value['noarch'] === true ? 'generic' : text('noarch');
  const url = text('url');
  const file = text('fn') ?? text('dist_name') ?? url?.slice(url.lastIndexOf('/') + 1);
  const sitePackages = text('python_site_packages_path');
  return {
    ...identity,
    buildNumber: typeof value['build_number'] === 'number' ? value['build_number'] : 0,
    ...some('channel', text('channel')),
    ...some('subdir', text('subdir')),
    ...some('url', url),
    ...some('file', file),
    ...some('md5', hash(value['md5'], 32)),
    ...some('sha256', hash(value['sha256'], 64)),
    ...some('size', count(value['size'])),
    ...some('noarch', noarch),
    depends: texts(value['depends']),
    requested: [...new Set([...texts(value['requested_specs']), ...texts([value['requested_spec']])])].filter(
      (one) => one !== '' && one !== 'None',
    ),
    ...some('sitePackages', sitePackages !== undefined && isBelow(sitePackages) ? sitePackages : undefined),
    paths: pathsOf(value),
  };
}

/** Name, version and build of `info/index.json` or a record; undefined where they are not what conda's are. */
export function parseIdentity(
  value: Readonly<Record<string, unknown>>,
): { readonly name: string; readonly version: string; readonly build: string } | undefined {
  const { name, version, build, build_string: old } = value;
  const string = typeof build === 'string' ? build : old;
  if (typeof name !== 'string' || typeof version !== 'string' || typeof string !== 'string') return undefined;
  if (![name, version, string].every((one) => word.test(one))) return undefined;
  return { name, version, build: string };
}

/** The list of `info/paths.json`, or of a record's `paths_data`; what leads out of the prefix is not taken. */
export function parsePaths(value: unknown): readonly LinkedPath[] {
  const { paths } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (!Array.isArray(paths)) return [];
  return paths.flatMap((one: unknown): LinkedPath[] => {
    const { _path: path, path_type: type, ...more } = (one ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof path !== 'string' || !isBelow(path)) return [];
    const placeholder = more['prefix_placeholder'];
    // rattler puts a file aside that another package's has taken the place of: no artifact has it there
    const aside = typeof more['original_path'] === 'string';
    const kind = aside ? 'compiled' : typeof type === 'string' ? (kinds.get(type) ?? 'file') : 'file';
    return [
      {
        path,
        type: kind,
        ...some('sha256', hash(more['sha256'], 64)),
        ...some('sha256InPrefix', hash(more['sha256_in_prefix'], 64)),
        ...(typeof placeholder === 'string' && placeholder !== ''
          ? { placeholder, replace: more['file_mode'] === 'binary' ? 'binary' : 'text' }
          : {}),
      },
    ];
  });
}

/** JSON that is an object; undefined for anything else. */
export function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return value as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

/** Whether a path stays below a prefix. */
export function isBelow(path: string): boolean {
  const plain = path.length < 1000 && !path.startsWith('.') && !path.includes('/.') && !path.includes('//');
  if (plain && path !== '' && !path.startsWith('/') && !path.endsWith('/') && !path.includes('\0')) return true;
  return path !== '' && isSafeAbsolute(`/${path}`);
}

const kinds: ReadonlyMap<string, LinkedPath['type']> = new Map([
  ['hardlink', 'file'],
  ['softlink', 'link'],
  ['directory', 'directory'],
  ['pyc_file', 'compiled'],
  ['unix_python_entry_point', 'entry point'],
  ['linked_package_record', 'compiled'],
]);

/** `files` names everything, `paths_data` says more of most of it; old records have the first only. */
function pathsOf(value: Readonly<Record<string, unknown>>): readonly LinkedPath[] {
  const known = parsePaths(value['paths_data']);
  const { files } = value;
  if (Array.isArray(files) && files.length === known.length && known.every(({ path }, index) => path === files[index]))
    return known;
  const named = new Set(known.map(({ path }) => path));
  const others = texts(files).filter((path) => isBelow(path) && !named.has(path));
  return [...known, ...others.map((path): LinkedPath => ({ path, type: 'compiled' }))];
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function hash(value: unknown, length: number): string | undefined {
  return typeof value === 'string' && value.length === length && /^[0-9a-f]+$/.test(value) ? value : undefined;
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function some<K extends string, T>(key: K, value: T | undefined): { readonly [key in K]?: T } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [key in K]: T });
}
