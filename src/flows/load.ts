import { open, readFile } from 'node:fs/promises';

import { UserError, type ContentRef, type Spec } from '../model/index.ts';
import { isBundle, openBundle } from '../formats/bundle/read.ts';
import { readSpec, type ReadResult } from '../formats/spec/read.ts';
import { writeSpec } from '../formats/spec/write.ts';
import type { House } from './house.ts';
import { withSources } from './load/sources.ts';

/** A spec or a bundle as it was read. */
export interface Loaded extends ReadResult {
  readonly file: string;
  readonly kind: 'spec' | 'bundle';
  readonly text: string;
  /** The text, in the store. */
  readonly source: ContentRef;
  /** What the bundle brought, by sha256. */
  readonly brought: ReadonlySet<string>;
}

const longestSpec = 64 * 1024 * 1024;

/** Reads a spec, or the spec of a bundle, whose content goes to the store. Throws UserError 2 with all faults at once. */
export async function load(file: string, house: House): Promise<Loaded> {
  const head = await firstBytes(file);
  if (isBundle(head)) {
    const { text, contents } = await openBundle(file, house.store);
    return await loaded(file, 'bundle', text, contents, house);
  }
  if (head.includes(0) || head.subarray(0, 2).toString('latin1') === '#!') {
    throw new UserError(`${file} is not a spec`, {
      status: 2,
      hint: `did you mean repronim reproduce -- ${file}? A command stands after --`,
    });
  }
  return await loaded(file, 'spec', await readFile(file), new Set(), house);
}

/** The spec that an instance was made from, out of the store. */
export async function loadStored(name: string, sha256: string | undefined, house: House): Promise<Spec> {
  if (sha256 === undefined) {
    throw new UserError(`${name} was made from an image that has no spec`, {
      status: 2,
      hint: `repronim trace --in ${name} --system describes it`,
    });
  }
  const file = await house.store.find(sha256);
  if (file === undefined) throw new UserError(`the spec that ${name} was made from is not in the store any more`);
  return readSpec(await readFile(file, 'utf8'), { file: `${name}'s spec`, distributions: house.distributions }).spec;
}

async function loaded(
  file: string,
  kind: Loaded['kind'],
  content: string | Buffer,
  brought: ReadonlySet<string>,
  house: House,
): Promise<Loaded> {
  const read = readSpec(content, { file, distributions: house.distributions });
  const bytes = Buffer.from(content);
  const text = bytes.toString('utf8');
  const spec = await withSources(read.spec, kind === 'spec' ? file : undefined, house.store);
  const whole = spec === read.spec ? bytes : Buffer.from(writeSpec(spec, { ...house, onto: read.document }));
  return { ...read, spec, file, kind, text, brought, source: await house.store.add(whole) };
}

async function firstBytes(file: string): Promise<Buffer> {
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    const because = error.code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${error.code ?? 'error'})`;
    throw new UserError(`${file}: ${because}`, { status: 2 });
  });
  try {
    const stat = await handle.stat();
    if (!stat.isFile())
      throw new UserError(`${file} is not a file`, { status: 2, hint: 'a spec, or a bundle, is wanted' });
    if (stat.size > longestSpec && !isBundle((await handle.read(Buffer.alloc(8), 0, 8, 0)).buffer)) {
      throw new UserError(`${file} is too large for a spec`, { status: 2 });
    }
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
