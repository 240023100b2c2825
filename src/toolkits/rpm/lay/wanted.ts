import { getBytes } from '../../../archives/get-bytes.ts';
import type { CreateContext, Source, Wanted } from '../../../contract/index.ts';
import { byBytes, UserError } from '../../../model/index.ts';
import { localRoot } from '../../../roots/local.ts';
import { readCached } from '../read/metadata.ts';
import { mainArchitecture } from '../read/package.ts';
import { readRepositories } from '../read/repositories.ts';
import { archivesOf } from '../settings.ts';
import { addressesOf, type RpmLock, type RpmLocked, type RpmSource, type RpmSpec } from '../spec.ts';

const listLimit = 4 * 1024 * 1024;

/**
 * What has to be in the store before the root can be laid, and where each package can be had: this machine's cache of
 * dnf's, its own repository of that name, the recorded addresses and mirrors, the archives of the settings. (The store
 * and a bundle come first, and are the caller's.) Keys and changed files are only in the store or in a bundle.
 */
export async function wanted(spec: RpmSpec, lock: RpmLock, context: CreateContext): Promise<readonly Wanted[]> {
  await using machine = localRoot('/');
  const { files } = await readCached(machine, new Set());
  const mirrors = mirrorFinder(context);
  const architecture = spec.architecture ?? mainArchitecture(lock.packages);
  const entry = architecture === undefined ? spec : { ...spec, architecture };
  const own = await readRepositories(machine, {
    ...(spec.release === undefined ? {} : { release: spec.release }),
    ...(architecture === undefined ? {} : { architecture }),
  });
  const recorded = new Map((spec.sources ?? lock.sources ?? []).map((source) => [source.name, source]));
  const packages = lock.packages.map((one): Wanted => {
    const { name, version, sha256, size } = one;
    async function* sources(): AsyncGenerator<Source, void, undefined> {
      const cached = files.get(fileName(one));
      if (cached !== undefined) yield { kind: 'dnf', label: "dnf's cache", file: cached };
      const { from, path } = one;
      if (path === undefined || from === undefined) return;
      const seen = new Set<string>();
      const at = function* (bases: readonly string[], kind: string): Generator<Source> {
        for (const base of bases) {
          const url = `${base.replace(/\/+$/, '')}/${path.split('/').map(encodeURIComponent).join('/')}`;
          if (!seen.has(url)) yield { kind, label: url, url };
          seen.add(url);
        }
      };
      const mine = own.get(from)?.source;
      if (mine !== undefined) yield* at(await mirrors(mine), 'mirror');
      const source = recorded.get(from);
      if (source !== undefined) yield* at(addressesOf(source), 'repository');
      if (source !== undefined) yield* at(await mirrors({ ...source, uri: [] }), 'mirror');
      yield* at(archivesOf(entry, from, context), 'archive');
    }
    return { what: `${name} ${version}`, sha256, size, sources };
  });
  const kept = [
    ...Object.entries(lock.keys ?? {}).map(([name, ref]) => ({ what: `key ${name}`, ...ref })),
    ...(lock.changed ?? []).flatMap(({ path, sha256, size, left }) =>
      left !== undefined || sha256 === undefined || size === undefined ? [] : [{ what: path, sha256, size }],
    ),
  ].map(({ what, sha256, size }): Wanted => ({ what, sha256, size, sources: nowhere }));
  return [...packages, ...kept];
}

async function* nowhere(): AsyncGenerator<Source, void, undefined> {}

function fileName({ name, version, architecture }: RpmLocked): string {
  return `${name}-${version.replace(/^[0-9]+:/, '')}.${architecture}.rpm`;
}

/** The folders of a repository: its own, and those of its list of mirrors, which is got once and not missed. */
export function mirrorFinder(
  context: Pick<CreateContext, 'signal'>,
): (source: RpmSource) => Promise<readonly string[]> {
  const lists = new Map<string, Promise<readonly string[]>>();
  const listed = (address: string) => {
    const there = lists.get(address);
    if (there !== undefined) return there;
    const made = getBytes(address, listLimit, context.signal).then(
      (bytes) => parseMirrors(bytes.toString('utf8')),
      (error: unknown) => {
        if (error instanceof UserError) return [];
        throw error;
      },
    );
    lists.set(address, made);
    return made;
  };
  return async (source) => {
    const addresses = [source.mirrorlist, source.metalink].filter((one) => one !== undefined);
    const found = await Promise.all(addresses.map(listed));
    return [...addressesOf(source), ...found.flat()];
  };
}

/** A list of mirrors, an address a line, or a metalink (RFC 5854 or its forerunner) to a repository's `repomd.xml`. */
export function parseMirrors(text: string): readonly string[] {
  const isMetalink = /<metalink\b/.test(text);
  const found = isMetalink
    ? text
        .split('<url')
        .slice(1, 1000)
        .flatMap(
          (piece) => /^[^>]*>\s*(https?:\/\/[^<\s]+)\/repodata\/repomd\.xml\s*</.exec(piece.slice(0, 4096))?.[1] ?? [],
        )
    : text.split(/\s+/).filter((word) => /^https?:\/\//.test(word));
  const urls = found.filter((url) => URL.parse(url) !== null).slice(0, 20);
  return isMetalink
    ? urls.sort((a, b) => Number(b.startsWith('https:')) - Number(a.startsWith('https:')) || byBytes(a, b))
    : urls;
}
