import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

import { UserError, type CustomizeFile, type Spec } from '../../model/index.ts';
import type { Store } from '../../contract/index.ts';
import { findBeside } from './beside.ts';

const largest = 64 * 1024 * 1024;

/**
 * A spec with the content of every `source` of its customize steps in the store, and known by its sha256. `file` is
 * the spec's own; undefined where it came with its content. Throws UserError 2 for what is not there, is not below the
 * spec's folder, or is another than it was.
 */
export async function withSources(spec: Spec, file: string | undefined, store: Store): Promise<Spec> {
  if (spec.customize?.some((step) => step.file?.source !== undefined) !== true) return spec;
  const customize = await Promise.all(
    spec.customize.map(async (step) => {
      if (step.file?.source === undefined) return step;
      const known = await contentOf(step.file, step.file.source, file, store);
      const { sha256, size } = step.file;
      return sha256 === known.sha256 && size === known.size ? step : { ...step, file: { ...step.file, ...known } };
    }),
  );
  return customize.every((step, index) => step === spec.customize?.[index]) ? spec : { ...spec, customize };
}

async function contentOf(
  { path, sha256, size }: CustomizeFile,
  source: string,
  file: string | undefined,
  store: Store,
): Promise<{ readonly sha256: string; readonly size: number }> {
  const held = sha256 === undefined ? undefined : await store.find(sha256);
  const bytes = file === undefined ? undefined : await readBeside(source, file);
  if (bytes === undefined) {
    if (held !== undefined && sha256 !== undefined && size !== undefined) return { sha256, size };
    throw new UserError(`${source}, which customize puts at ${path}, is not there`, {
      status: 2,
      hint: file === undefined ? 'make the bundle anew' : `it is looked for beside ${file}`,
    });
  }
  const found = await store.add(bytes);
  if (sha256 !== undefined && found.sha256 !== sha256) {
    throw new UserError(`${source} is another than when the spec was locked`, {
      status: 2,
      hint: `bring the old one back, or take sha256 and size out of its step of customize`,
    });
  }
  return found;
}

async function readBeside(source: string, file: string): Promise<Buffer | undefined> {
  const real = await findBeside(source, file);
  if (real === undefined) return undefined;
  const handle = await open(real, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new UserError(`${source} is not a file`, { status: 2 });
    if (stat.size > largest) throw new UserError(`${source} is larger than 64 MiB`, { status: 2 });
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
