import { sha256, UserError } from '../../model/index.ts';
import type { Context, Root } from '../../contract/index.ts';
import { getBytes } from '../../archives/get-bytes.ts';
import { localRoot } from '../../roots/local.ts';
import { addressesOf } from './address.ts';
import { cachedIntegrity, readCached, type Cacache } from './cacache.ts';
import { cacheOf, defaultRegistry, ownConfig, type ClientConfig } from './client.ts';
import { hasIntegrity, parseIntegrity, sha512Of, type Integrity } from './integrity.ts';
import { recall, remember } from './remember.ts';
import type { NpmPackage } from './spec.ts';
import { unpackTarball } from './tarball.ts';

/** The tarball of a package, and what it makes: sha256 by path below the package. */
export interface Artifact {
  readonly sha256: string;
  readonly size: number;
  readonly integrity: string;
  readonly files: ReadonlyMap<string, string>;
}

export type FindArtifact = (
  row: Pick<NpmPackage, 'name' | 'version' | 'resolved' | 'integrity'>,
) => Promise<Artifact | undefined>;

/** What a trace may get from a registry in all, and each time, in bytes and milliseconds. */
const downloads = { total: 100 * 1024 * 1024, each: 20 * 1024 * 1024, wait: 15_000, inAll: 90_000 };

/**
 * Finds tarballs: in our store, in npm's caches (of the traced system, of this machine), and in the registry; that
 * bounded (`npm.download` of the settings, bytes; 0 is none), and not asked again once it does not answer. A tarball
 * counts by the digest that a lock file has of it, or else by lying where the registry has this version.
 */
export function artifactFinder(
  root: Root,
  traced: ClientConfig,
  registry: string | undefined,
  context: Context,
): FindArtifact {
  const { download } = context.settings('npm');
  let left = typeof download === 'number' && download >= 0 ? download : downloads.total;
  const until = performance.now() + downloads.inAll;
  const known = new Map<string, Promise<Artifact | undefined>>();
  let own: Promise<{ config: ClientConfig; caches: readonly Cacache[] }> | undefined;
  const ask = async () => {
    const config = await ownConfig(context);
    return { config, caches: [...cacheOf(root, traced), ...cacheOf(localRoot('/'), config)] };
  };

  const get = async (addresses: readonly string[], integrity: Integrity | undefined): Promise<Buffer | undefined> => {
    for (const address of addresses) {
      if (left <= 0 || performance.now() > until) return undefined;
      try {
        const signal = AbortSignal.any([context.signal, AbortSignal.timeout(downloads.wait)]);
        const bytes = await getBytes(address, Math.min(left, downloads.each), signal);
        left -= bytes.length;
        if (integrity === undefined || hasIntegrity(bytes, integrity)) return bytes;
      } catch (error) {
        context.signal.throwIfAborted();
        // an answer, if only that there is nothing; else nobody is there, and the next would wait as long
        if (!(error instanceof UserError) || !/^4\d\d\b|is larger than/.test(error.message)) left = 0;
      }
    }
    return undefined;
  };

  const find = async (row: Parameters<FindArtifact>[0]): Promise<Artifact | undefined> => {
    own ??= ask();
    const { config, caches } = await own;
    const scope = /^@[^/]+/.exec(row.name)?.[0] ?? '';
    const scoped = traced.scopes.get(scope) ?? config.scopes.get(scope);
    if (scoped !== undefined && isLocked(scoped, [traced, config])) return undefined; // nobody else could have it
    const named = [scoped, config.registry, registry].filter((one) => one !== undefined);
    const addresses = addressesOf(row, {}, named.length > 0 ? named : [await defaultRegistry()]);
    let told = row.integrity;
    for (const cache of told === undefined ? caches : []) {
      for (const address of addresses) told ??= await cachedIntegrity(cache, address);
    }
    const integrity = told === undefined ? undefined : parseIntegrity(told);
    if (told !== undefined && integrity === undefined) return undefined;
    let bytes = integrity === undefined ? undefined : await recall(integrity, context);
    for (const cache of caches) if (integrity !== undefined) bytes ??= await readCached(cache, integrity);
    if (bytes === undefined) {
      if (left <= 0) return undefined;
      bytes = await get(addresses, integrity);
      if (bytes === undefined) return undefined;
      await remember(bytes, context);
    }
    return await toArtifact(bytes, `${row.name}@${row.version}`, told);
  };

  return async (row) => {
    const key = JSON.stringify([row.integrity ?? [row.name, row.version, row.resolved]]);
    let held = known.get(key);
    if (held === undefined) known.set(key, (held = find(row)));
    return await held;
  };
}

/** What is in a tarball; undefined where it is none. */
async function toArtifact(bytes: Buffer, what: string, told: string | undefined): Promise<Artifact | undefined> {
  const files = new Map<string, string>();
  try {
    // of a name that comes twice, the last counts, as when they are unpacked
    for await (const { path, content } of unpackTarball(bytes, what)) files.set(path, sha256(content));
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
  const integrity = told ?? sha512Of(bytes);
  return { sha256: sha256(bytes), size: bytes.length, integrity, files };
}

function isLocked(registry: string, configs: readonly ClientConfig[]): boolean {
  const bare = registry.replace(/^https?:\/\//, '');
  return configs.some(({ locked }) => [...locked].some((one) => bare.startsWith(one)));
}
