import type { ContentRef } from '../../model/index.ts';
import type { Store } from '../../contract/index.ts';
import { decompressFile } from '../../roots/decompress.ts';
import { readTarFiles } from '../../roots/tar-files.ts';
import { layTree } from './lay.ts';
import { nameIn } from './read-tree.ts';
import type { NpmLock, NpmSpec } from './spec.ts';

type Packages = Readonly<Record<string, unknown>>;

/**
 * The packages of npm's own lock file for what is held, so that npm changes only what it must; those of these names
 * are left out. Undefined where that file is not at hand.
 */
export async function heldLock(
  spec: NpmSpec,
  held: NpmLock,
  renew: readonly string[],
  store: Store,
): Promise<Packages | undefined> {
  const rest = held.tree === undefined ? await laid(spec, held, store) : held.rest;
  const file = rest === undefined ? undefined : await store.find(rest.sha256);
  if (file === undefined) return undefined;
  for await (const { path, content } of readTarFiles(decompressFile(file))) {
    if (path !== 'node_modules/.package-lock.json') continue;
    const packages = readPackages(content.toString('utf8'));
    const kept = Object.entries(packages ?? {}).filter(
      ([key]) => key.startsWith('node_modules/') && !renew.includes(nameIn(key)),
    );
    return Object.fromEntries(kept.filter(([, value]) => (value as { link?: unknown } | null)?.link !== true));
  }
  return undefined;
}

async function laid(spec: NpmSpec, held: NpmLock, store: Store): Promise<ContentRef | undefined> {
  for (const { sha256 } of held.packages) {
    if (sha256 !== undefined && (await store.find(sha256)) === undefined) return undefined;
  }
  return (await layTree(spec, held, store)).rest;
}

function readPackages(content: string): Packages | undefined {
  try {
    return (JSON.parse(content) as { packages?: Packages } | null)?.packages;
  } catch {
    return undefined;
  }
}
