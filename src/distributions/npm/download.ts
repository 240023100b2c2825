import { UserError } from '../../model/index.ts';
import type { CreateContext } from '../../contract/index.ts';
import { getBytes } from '../../archives/get-bytes.ts';
import { localRoot } from '../../roots/local.ts';
import { addressesOf } from './address.ts';
import { largestTarball, readCached } from './cacache.ts';
import { cacheOf, ownConfig, type ClientConfig } from './client.ts';
import { hasIntegrity, parseIntegrity } from './integrity.ts';
import { recall, remember } from './remember.ts';
import type { NpmPackage, NpmSpec } from './spec.ts';

/** Gets the tarballs of these packages into the store, several at a time; each row then has its sha256. */
export async function downloadAll(
  rows: readonly NpmPackage[],
  spec: NpmSpec,
  context: CreateContext,
): Promise<NpmPackage[]> {
  const config = await ownConfig(context);
  const done = new Map<string, NpmPackage>();
  const queue = rows.values();
  const worker = async () => {
    for (const row of queue) {
      context.onProgress({
        step: 'fetch',
        what: `${row.name} ${row.version}`,
        done: done.size,
        total: rows.length,
        unit: 'packages',
      });
      done.set(row.path, row.bundled === true ? row : await withContent(row, spec, config, context));
    }
  };
  await Promise.all(Array.from({ length: 6 }, worker));
  return rows.map((row) => done.get(row.path) ?? row);
}

async function withContent(
  row: NpmPackage,
  spec: NpmSpec,
  config: ClientConfig,
  context: CreateContext,
): Promise<NpmPackage> {
  const integrity = parseIntegrity(row.integrity ?? '');
  if (integrity === undefined) throw new UserError(`${row.name} ${row.version} has no digest in npm's lock file`);
  let bytes = await recall(integrity, context);
  for (const cache of cacheOf(localRoot('/'), config)) bytes ??= await readCached(cache, integrity);
  const tried: string[] = [];
  for (const address of bytes === undefined ? addressesOf(row, spec, []) : []) {
    try {
      const got = await getBytes(address, largestTarball, context.signal);
      if (hasIntegrity(got, integrity)) {
        bytes = got;
        break;
      }
      tried.push(`${address}: has other content`);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      tried.push(`${address}: ${error.message}`);
    }
  }
  if (bytes === undefined) throw new UserError(`${row.name} ${row.version} can be had nowhere`, { details: tried });
  const { sha256, size } = await remember(bytes, context);
  return { ...row, size, sha256 };
}
