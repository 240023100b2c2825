/** What a lock file says of one package. */
export interface Told {
  readonly name?: string;
  readonly version?: string;
  /** An address, or what else it came from (`git+ssh:…`, `file:…`). */
  readonly resolved?: string;
  readonly integrity?: string;
  readonly bundled?: boolean;
  readonly scripts?: boolean;
}

/** By key (npm's lock files have those) or by `NAME@VERSION` (yarn's and pnpm's). */
export type ToldAll = ReadonlyMap<string, Told>;

type Json = Readonly<Record<string, unknown>>;

/**
 * npm's package-lock.json, npm-shrinkwrap.json and hidden lock file (package-lock-json(5)), versions 1 to 3: by key.
 * Undefined where it is not one.
 */
export function parseNpmLock(content: string): ToldAll | undefined {
  const lock = readJson(content);
  const told = new Map<string, Told>();
  if (isObject(lock?.['packages'])) {
    for (const [key, value] of Object.entries(lock['packages'])) {
      if (key !== '' && isObject(value) && value['link'] !== true) told.set(key, toldOf(value));
    }
    return told;
  }
  if (!isObject(lock?.['dependencies'])) return undefined;
  const visit = (dependencies: Json, below: string, depth: number): void => {
    for (const [name, value] of Object.entries(dependencies)) {
      if (!isObject(value)) continue;
      const key = `${below}node_modules/${name}`;
      told.set(key, toldOf(value));
      if (isObject(value['dependencies']) && depth < 100) visit(value['dependencies'], `${key}/`, depth + 1);
    }
  };
  visit(lock['dependencies'], '', 0);
  return told;
}

/**
 * pnpm's lock file, as it keeps one in `node_modules/.pnpm/lock.yaml`: by `NAME@VERSION`. Versions 5 to 9. Read by
 * lines, as pnpm writes them: a reader of all of YAML takes minutes for some files of a stranger's.
 */
export function parsePnpmLock(content: string): ToldAll | undefined {
  if (!/^lockfileVersion:/m.test(content)) return undefined;
  const told = new Map<string, Told>();
  let inPackages = false;
  let id: string | undefined;
  const add = (more: Told) => {
    if (id !== undefined) told.set(id, { ...told.get(id), ...more });
  };
  for (const line of content.split('\n')) {
    if (line.length > 8192) continue;
    if (/^\S/.test(line)) {
      inPackages = line.startsWith('packages:');
      id = undefined;
    } else if (inPackages && /^ {2}\S/.test(line)) {
      // /NAME/VERSION in version 5, /NAME@VERSION in 6, NAME@VERSION in 9; what follows in brackets are its peers
      const [, name, version] = /^ {2}['"]?\/?((?:@[^/@]+\/)?[^/@]+)[@/]([^(_'":]+)/.exec(line) ?? [];
      id = name === undefined ? undefined : `${name}@${version}`;
      add({});
    } else if (inPackages) {
      const integrity = /\bintegrity: ([^\s,}]+)/.exec(line)?.[1];
      const tarball = /\btarball: ([^\s,}]+)/.exec(line)?.[1];
      if (integrity !== undefined) add({ integrity });
      if (tarball !== undefined) add({ resolved: tarball });
      if (/^ {4}requiresBuild: true$/.test(line)) add({ scripts: true });
    }
  }
  return told;
}

/** yarn's lock file, classic or berry: by `NAME@VERSION`. Berry's has no digests of tarballs. */
export function parseYarnLock(content: string): ToldAll | undefined {
  if (!/^# yarn lockfile v1|^__metadata:/m.test(content)) return undefined;
  const told = new Map<string, Told>();
  let entry: { name: string; version?: string; resolved?: string; integrity?: string } | undefined;
  const settle = () => {
    if (entry?.version === undefined) return;
    const { name, version, resolved, integrity } = entry;
    told.set(`${name}@${version}`, {
      ...(integrity === undefined ? {} : { integrity }),
      ...(resolved === undefined ? {} : { resolved }),
    });
  };
  for (const line of content.split('\n')) {
    if (line.length > 8192) continue;
    const [, name] = /^"?((?:@[^/@"]+\/)?[^/@"\s#]+)@[^\n]*:\s*$/.exec(line) ?? [];
    if (name !== undefined) {
      settle();
      entry = { name };
      continue;
    }
    const [, field, value] = /^ {2}(version|resolved|integrity):? "?([^"\n]+?)"?\s*$/.exec(line) ?? [];
    if (entry === undefined || value === undefined) continue;
    if (field === 'version') entry.version = value;
    // the fragment is the tarball's sha1
    else if (field === 'resolved') entry.resolved = value.replace(/#.*$/, '');
    else entry.integrity = value;
  }
  settle();
  return told;
}

/** The fields of a package.json that matter here; undefined where it is none. */
export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  /** Commands, by name: files below the package. */
  readonly bin: Readonly<Record<string, string>>;
  /** What it asks for itself, of every kind. */
  readonly requests: readonly string[];
  readonly scripts: boolean;
  readonly raw: Json;
}

export function parseManifest(content: string): Manifest | undefined {
  const raw = readJson(content.replace(/^\u{feff}/u, ''));
  if (raw === undefined) return undefined;
  const { name, version, bin, scripts } = raw;
  const short = typeof name === 'string' ? name.replace(/^@[^/]*\//, '') : '';
  const bins = typeof bin === 'string' ? { [short]: bin } : isObject(bin) ? bin : {};
  const kinds = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];
  return {
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof version === 'string' ? { version } : {}),
    bin: Object.fromEntries(
      Object.entries(bins).filter((one): one is [string, string] => one[0] !== '' && typeof one[1] === 'string'),
    ),
    requests: kinds.flatMap((kind) => (isObject(raw[kind]) ? Object.keys(raw[kind]) : [])),
    scripts: isObject(scripts) && ['preinstall', 'install', 'postinstall'].some((one) => one in scripts),
    raw,
  };
}

function toldOf(value: Json): Told {
  const { name, version, resolved, integrity } = value;
  return {
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof version === 'string' ? { version } : {}),
    ...(typeof resolved === 'string' ? { resolved } : {}),
    ...(typeof integrity === 'string' ? { integrity } : {}),
    ...(value['inBundle'] === true || value['bundled'] === true ? { bundled: true } : {}),
    ...(value['hasInstallScript'] === true ? { scripts: true } : {}),
  };
}

function readJson(content: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(content);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
