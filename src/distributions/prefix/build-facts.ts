import { posix } from 'node:path';

import { byBytes } from '../../model/index.ts';
import type { Root } from '../../contract/index.ts';

type Facts = Readonly<Record<string, string | undefined>>;

/** Reads a file of the tree by its path below the top; undefined where it is not there. At most 8 MiB. */
export type ReadFile = (file: string) => Promise<string | undefined>;

/** How a tree of one kind was built, by its own files; each documented where its kind is. */
export const factsOf: Readonly<Record<string, (read: ReadFile, top: string, root: Root) => Promise<Facts>>> = {
  /** The `sysconfig` module's data: what `configure` was given, and the interface that extensions are built for. */
  async Python(read, top, root) {
    const [library] = await namesIn(root, posix.join(top, 'lib'), /^python3\.\d+t?$/);
    const [file] = await namesIn(root, posix.join(top, 'lib', library ?? ''), /^_sysconfigdata_.*\.py$/);
    const text = library === undefined || file === undefined ? undefined : await read(`lib/${library}/${file}`);
    return {
      configure: pythonText(text ?? '', 'CONFIG_ARGS')?.replaceAll("'", ''),
      compiler: pythonText(text ?? '', 'CC'),
      interface: pythonText(text ?? '', 'SOABI'),
    };
  },
  /** The headers that addons are built against. */
  async Node(read) {
    const version = (await read('include/node/node_version.h')) ?? '';
    const v8 = (await read('include/node/v8-version.h')) ?? '';
    const engine = ['MAJOR_VERSION', 'MINOR_VERSION', 'BUILD_NUMBER', 'PATCH_LEVEL'].map(
      (part) => new RegExp(`#define V8_${part} (\\d+)`).exec(v8)?.[1],
    );
    const openssl = (await read('include/node/openssl/opensslv.h')) ?? '';
    return {
      modules: /#define NODE_MODULE_VERSION (\d+)/.exec(version)?.[1],
      v8: engine.includes(undefined) ? undefined : engine.join('.'),
      openssl: /# *define OPENSSL_VERSION_TEXT\s+"OpenSSL ([^" ]+)/.exec(openssl)?.[1],
    };
  },
  /** The channel's manifest, which rustup leaves in each toolchain. */
  async Rust(read) {
    const text = (await read('lib/rustlib/multirust-channel-manifest.toml')) ?? '';
    return {
      release: /^\[pkg\.rustc\]\s*\nversion\s*=\s*"([^"\n]+)"/m.exec(text)?.[1],
      commit: /^\[pkg\.rustc\][^[]*?\ngit_commit_hash\s*=\s*"([0-9a-f]{7,64})"/m.exec(text)?.[1],
      date: /^date\s*=\s*"([\d-]+)"/m.exec(text)?.[1],
    };
  },
  async Go(read) {
    return { time: /^time (\S+)$/m.exec((await read('VERSION')) ?? '')?.[1] };
  },
  async Java(read) {
    const text = (await read('release')) ?? '';
    const field = (name: string) => new RegExp(`^${name}="([^"\\n]{1,200})"`, 'm').exec(text)?.[1];
    return { vendor: field('IMPLEMENTOR'), runtime: field('JAVA_RUNTIME_VERSION'), source: field('SOURCE')?.trim() };
  },
  async R(read) {
    const text = (await read('lib/R/include/Rconfig.h')) ?? '';
    return { platform: /^#define R_PLATFORM\s+"?([^"\s]+)/m.exec(text)?.[1] };
  },
  async Ruby(read, top, root) {
    for (const version of await namesIn(root, posix.join(top, 'lib/ruby'), /^\d+\.\d+\.\d+$/)) {
      for (const platform of await namesIn(root, posix.join(top, 'lib/ruby', version), /^[a-z0-9_]+-[a-z0-9_-]+$/)) {
        const text = await read(`lib/ruby/${version}/${platform}/rbconfig.rb`);
        const found = /CONFIG\["configure_args"\]\s*=\s*"((?:[^"\\]|\\.){1,2000})"/.exec(text ?? '')?.[1];
        if (found !== undefined) return { configure: found.replaceAll(/\\?['"]/g, '').trim() };
      }
    }
    return {};
  },
};

/** More of them are not listed. */
const mostLibraries = 100;

/**
 * What pkg-config and CMake know of in a tree that has no kind of its own (/usr/local, /opt/x): libraries with their
 * versions, by the files that they installed for that (pkg-config(1), cmake-packages(7)).
 */
export async function librariesIn(top: string, root: Root): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const take = (name: string, version: string | undefined) => {
    if (version !== undefined && found.size < mostLibraries && !found.has(name)) found.set(name, version);
  };
  for (const folder of ['lib/pkgconfig', 'lib64/pkgconfig', 'share/pkgconfig']) {
    for (const file of await namesIn(root, posix.join(top, folder), /^[\w.+-]{1,100}\.pc$/)) {
      const text = await textOf(root, posix.join(top, folder, file));
      take(file.slice(0, -3), /^Version:\s*([\w.+~-]{1,60})\s*$/m.exec(text)?.[1]);
    }
  }
  for (const folder of ['lib/cmake', 'lib64/cmake']) {
    for (const name of await namesIn(root, posix.join(top, folder), /^[\w.+-]{1,100}$/)) {
      const at = posix.join(top, folder, name);
      const [file] = await namesIn(root, at, /[Cc]onfig-?[Vv]ersion\.cmake$/);
      if (file === undefined) continue;
      const text = await textOf(root, posix.join(at, file));
      take(name, /set\(PACKAGE_VERSION\s+"?([\w.+~-]{1,60})"?\)/i.exec(text)?.[1]);
    }
  }
  return new Map([...found].sort(([a], [b]) => byBytes(a, b)));
}

/** Facts that are there, each one line of at most 2,000 characters, in the order of their names. */
export function plainFacts(facts: Facts): Readonly<Record<string, string>> {
  const lines = Object.entries(facts).flatMap(([name, value]): [string, string][] => {
    // oxlint-disable-next-line no-control-regex
    const line =
      value
        ?.replaceAll(/[\0-\x1f\x7f]+/g, ' ')
        .trim()
        .slice(0, 2000) ?? '';
    return line === '' ? [] : [[name, line]];
  });
  return Object.fromEntries(lines.sort(([a], [b]) => byBytes(a, b)));
}

async function namesIn(root: Root, folder: string, pattern: RegExp): Promise<string[]> {
  const listed = await root.readdir(folder).catch(() => []);
  return listed
    .map(({ name }) => name)
    .filter((name) => pattern.test(name))
    .sort(byBytes)
    .slice(0, 1000);
}

async function textOf(root: Root, path: string): Promise<string> {
  return (await root.readFile(path, 65_536).catch(() => Buffer.alloc(0))).toString('utf8');
}

/** A text of a dictionary that Python wrote: one or more literals, which the language joins. */
function pythonText(text: string, key: string): string | undefined {
  const at = text.indexOf(`'${key}': `);
  if (at === -1) return undefined;
  const literal = /\s*(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)')/y;
  literal.lastIndex = at + key.length + 4;
  let value = '';
  for (let found = literal.exec(text); found !== null && value.length < 10_000; found = literal.exec(text)) {
    value += (found[1] ?? found[2] ?? '').replaceAll(/\\(.)/g, '$1');
  }
  return value.trim();
}
