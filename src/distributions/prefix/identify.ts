import { posix } from 'node:path';

import type { Note } from '../../model/index.ts';
import type { Root } from '../../contract/index.ts';
import { readBuiltBy } from '../../toolkits/trees/built-by.ts';
import { packagesIn } from './package-targets.ts';
import { factsOf, librariesIn, plainFacts } from './build-facts.ts';

/** What a tree is, by its own files. */
export interface Identity {
  readonly name: string;
  readonly version?: string;
  /** How it was built, as far as its own files tell. */
  readonly build: Readonly<Record<string, string>>;
  /** The files that say so, absolute: they belong to what is kept. */
  readonly evidence: readonly string[];
}

/** How one kind of tree is told: the files that only it has, and where its version stands. */
interface Kind {
  readonly name: string;
  /** All of these are there. */
  readonly markers: readonly string[];
  read?(read: (file: string) => Promise<string | undefined>, top: string): Promise<string | undefined>;
}

const kinds: readonly Kind[] = [
  { name: 'conda', markers: ['conda-meta/history'] },
  {
    name: 'Go',
    markers: ['VERSION', 'bin/go'],
    read: async (read) => /^go(\S+)/.exec((await read('VERSION')) ?? '')?.[1],
  },
  {
    name: 'Java',
    markers: ['release', 'bin/java'],
    read: async (read) => /^JAVA_VERSION="([^"\n]+)"/m.exec((await read('release')) ?? '')?.[1],
  },
  {
    name: 'Node',
    markers: ['bin/node', 'include/node/node_version.h'],
    read: async (read) => nodeVersion((await read('include/node/node_version.h')) ?? ''),
  },
  {
    name: 'Node',
    markers: ['bin/node', 'package.json'],
    read: async (read) => /"version"\s*:\s*"([^"\n]+)"/.exec((await read('package.json')) ?? '')?.[1],
  },
  {
    name: 'Rust',
    markers: ['bin/rustc', 'lib/rustlib'],
    read: async (read) =>
      /\[pkg\.rustc\]\s*\nversion\s*=\s*"([^" \n]+)/.exec(
        (await read('lib/rustlib/multirust-channel-manifest.toml')) ?? '',
      )?.[1],
  },
  { name: 'Julia', markers: ['bin/julia', 'lib/julia'] },
  { name: 'R', markers: ['bin/R', 'lib/R'] },
  { name: 'Ruby', markers: ['bin/ruby', 'lib/ruby'] },
  { name: 'Python', markers: ['bin/python3', 'lib'] },
  { name: 'PyPy', markers: ['bin/pypy3', 'lib'] },
];

const environment = 'pyvenv.cfg';

/** What Spack and EasyBuild leave in every tree that they installed: see `toolkits/trees/built-by.ts`. */
const builders: readonly string[] = ['.spack/spec.json', 'easybuild/reprod'];

/** Which of these folders are the top of a tree of a known kind. One batch of lstat. */
export async function knownTops(tops: readonly string[], root: Root): Promise<ReadonlySet<string>> {
  // an environment of Python looks like a Python, and is another distribution's
  const markers = [...new Set([...kinds.flatMap((kind) => kind.markers), ...builders, environment])];
  const stats = await root.lstat(tops.flatMap((top) => markers.map((marker) => posix.join(top, marker))));
  const found = new Set<string>();
  for (const [index, top] of tops.entries()) {
    const there = new Set(markers.filter((_, at) => stats[index * markers.length + at] !== undefined));
    if (there.has(environment)) continue;
    if (builders.some((marker) => there.has(marker))) found.add(top);
    if (kinds.some((kind) => kind.markers.every((marker) => there.has(marker)))) found.add(top);
  }
  return found;
}

/** What the tree at `top` is: as its builder says, of a known kind, else what its folder is called. */
export async function identify(top: string, root: Root, notes: Note[] = []): Promise<Identity> {
  const built = await readBuiltBy(top, root, notes);
  if (built !== undefined) {
    const { name, version, by, facts, evidence } = built;
    return { name, ...(version === undefined ? {} : { version }), build: plainFacts({ by, ...facts }), evidence };
  }
  for (const kind of kinds) {
    const stats = await root.lstat(kind.markers.map((marker) => posix.join(top, marker)));
    if (stats.some((stat) => stat === undefined)) continue;
    const evidence = new Set(kind.markers.map((marker) => posix.join(top, marker)));
    const read = async (file: string) => {
      const path = posix.join(top, file);
      const bytes = await root.readFile(path, 8 * 1024 * 1024).catch(() => undefined);
      if (bytes !== undefined) evidence.add(path);
      return bytes?.toString('utf8');
    };
    const version = await kind.read?.(read, top);
    const own =
      version ?? (kind.name === 'Python' ? await pythonVersion(top, root, evidence) : undefined) ?? versionIn(top);
    const build = plainFacts((await factsOf[kind.name]?.(read, top, root)) ?? {});
    return { name: kind.name, ...(own === undefined ? {} : { version: own }), build, evidence: [...evidence] };
  }
  const version = versionIn(top);
  const name = posix.basename(version === undefined ? top : posix.dirname(top)).replace(/^\.(?=.)/, '');
  const build = plainFacts(Object.fromEntries([...(await librariesIn(top, root)), ...(await packagesIn(top, root))]));
  return { name, ...(version === undefined ? {} : { version }), build, evidence: [] };
}

/** The last part of a path where it is a version: `3.11.7`, `v20.11.1`. */
function versionIn(top: string): string | undefined {
  const last = posix.basename(top);
  return /^v?\d+(?:\.\d+)+\S*$/.test(last) ? last.replace(/^v/, '') : undefined;
}

function nodeVersion(header: string): string | undefined {
  const part = (name: string) => new RegExp(`#define NODE_${name}_VERSION (\\d+)`).exec(header)?.[1];
  const parts = [part('MAJOR'), part('MINOR'), part('PATCH')];
  return parts.every((one) => one !== undefined) ? parts.join('.') : undefined;
}

async function pythonVersion(top: string, root: Root, evidence: Set<string>): Promise<string | undefined> {
  for (const { name } of await root.readdir(posix.join(top, 'include')).catch(() => [])) {
    if (!/^python3\.\d+$/.test(name)) continue;
    const path = posix.join(top, 'include', name, 'patchlevel.h');
    const text = (await root.readFile(path, 65_536).catch(() => undefined))?.toString('utf8') ?? '';
    const version = /#define PY_VERSION\s+"([^"\n]+)"/.exec(text)?.[1];
    if (version === undefined) continue;
    evidence.add(path);
    return version;
  }
  return undefined;
}
