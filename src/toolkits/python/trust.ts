import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { byBytes } from '../../model/index.ts';
import type { CreateContext, Trust } from '../../contract/index.ts';
import { localRoot } from '../../roots/local.ts';
import { openIndexes } from './index-page.ts';
import { ownSettings } from './machine.ts';
import { normalizeName } from './metadata.ts';
import { isWheelPackage, type PythonLock } from './spec.ts';

/** How long this machine's index is asked in all. */
const patience = 60_000;

/**
 * Who vouches for wheels: the index that this machine's own pip uses, if it lists the very sha256. Nobody does for what
 * was kept from an installation.
 */
export async function trustOf(lock: PythonLock, context: CreateContext): Promise<Trust> {
  const wheels = lock.packages.filter(isWheelPackage);
  const file = context.store.cache('vouched-wheels.json');
  const known = await readKnown(file);
  const open = wheels.filter(({ sha256 }) => !known.has(sha256));
  if (open.length > 0) {
    await using root = localRoot();
    const { indexes: addresses } = await ownSettings(root, context);
    const indexes = openIndexes(addresses, AbortSignal.any([context.signal, AbortSignal.timeout(patience)]));
    const queue = open.values();
    const worker = async () => {
      for (const { name, sha256 } of queue) {
        const { files } = await indexes.filesOf(normalizeName(name));
        if (files.some((one) => one.sha256 === sha256)) known.add(sha256);
      }
    };
    await Promise.all(Array.from({ length: 6 }, worker)).catch(() => context.signal.throwIfAborted());
    await writeKnown(file, known);
  }
  const nobody = lock.packages.filter((one) => !isWheelPackage(one) || !known.has(one.sha256));
  return {
    packages: lock.packages.length,
    byMachine: lock.packages.length - nobody.length,
    byBundle: 0,
    byNobody: nobody.map(({ name }) => normalizeName(name)).sort(byBytes),
    ...(nobody.length === 0
      ? {}
      : { because: nobody.every((one) => !isWheelPackage(one)) ? 'repacked' : 'not in the index of this machine' }),
  };
}

async function readKnown(file: string): Promise<Set<string>> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return new Set(Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []);
  } catch {
    return new Set();
  }
}

async function writeKnown(file: string, known: ReadonlySet<string>): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.${process.pid}`, JSON.stringify([...known].sort(byBytes)), { mode: 0o600 });
  await rename(`${file}.${process.pid}`, file);
}
