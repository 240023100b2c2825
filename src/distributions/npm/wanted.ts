import { UserError, type ContentRef } from '../../model/index.ts';
import type { CreateContext, Source, Wanted } from '../../contract/index.ts';
import { getBytes } from '../../archives/get-bytes.ts';
import { localRoot } from '../../roots/local.ts';
import { addressesOf, cleanAddress } from './address.ts';
import { contentFile } from './cacache.ts';
import { cacheOf, cleanRegistry, defaultRegistry, ownConfig, type ClientConfig } from './client.ts';
import { parseIntegrity } from './integrity.ts';
import type { NpmLock, NpmPackage, NpmSpec } from './spec.ts';

/** The tarballs of the lock, each once, and what was kept while tracing. */
export async function wanted(spec: NpmSpec, lock: NpmLock, context: CreateContext): Promise<readonly Wanted[]> {
  const kept = [lock.tree, lock.rest].filter((content) => content !== undefined);
  const rows = new Map(lock.packages.flatMap((row) => (row.sha256 === undefined ? [] : [[row.sha256, row] as const])));
  const config = await ownConfig(context);
  return [
    // made while tracing: the store and the bundle, which are looked at first, are the only places
    ...kept.map((content) => ({ ...content, what: `files of the npm tree in ${spec.path}`, async *sources() {} })),
    ...[...rows.values()].flatMap((row) => {
      const content = artifactOf(row);
      if (content === undefined) return [];
      return [{ ...content, what: `${row.name} ${row.version}`, sources: () => sourcesOf(row, spec, config, context) }];
    }),
  ];
}

export function artifactOf({ sha256, size }: NpmPackage): ContentRef | undefined {
  return sha256 === undefined || size === undefined ? undefined : { sha256, size };
}

/** npm's cache, the registry of this machine, that of the spec, and where that says that it is. */
async function* sourcesOf(
  row: NpmPackage,
  spec: NpmSpec,
  config: ClientConfig,
  context: CreateContext,
): AsyncGenerator<Source> {
  const integrity = row.integrity === undefined ? undefined : parseIntegrity(row.integrity);
  if (integrity !== undefined) {
    for (const { folder } of cacheOf(localRoot('/'), config)) {
      yield { kind: "npm's cache", label: "npm's cache", file: contentFile(folder, integrity) };
    }
  }
  const scope = /^@[^/]+/.exec(row.name)?.[0] ?? '';
  const own = config.scopes.get(scope) ?? config.registry ?? (await defaultRegistry());
  const registries = [own, spec.registry].filter((one) => one !== undefined).map((one) => cleanRegistry(one));
  const tried = new Set<string>();
  for (const url of addressesOf(row, spec, registries)) {
    tried.add(url);
    yield { kind: 'registry', label: url, url };
  }
  for (const registry of new Set(registries)) {
    const url = registry === undefined ? undefined : await askRegistry(registry, row, context);
    if (url !== undefined && !tried.has(url)) yield { kind: 'registry', label: url, url };
  }
}

/** Where a registry says that it has the tarball of a version (its `GET /NAME/VERSION`). */
async function askRegistry(
  registry: string,
  { name, version }: NpmPackage,
  { signal }: CreateContext,
): Promise<string | undefined> {
  try {
    const address = `${registry}${name.replace('/', '%2f')}/${encodeURIComponent(version)}`;
    const answer = JSON.parse((await getBytes(address, 8 * 1024 * 1024, signal)).toString('utf8')) as {
      dist?: { tarball?: unknown };
    } | null;
    const tarball = answer?.dist?.tarball;
    return typeof tarball === 'string' ? cleanAddress(tarball) : undefined;
  } catch (error) {
    if (error instanceof UserError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
