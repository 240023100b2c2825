import { open, readFile, realpath } from 'node:fs/promises';

import { UserError, type ContentRef, type Digest, type Spec } from '../model/index.ts';
import { isBundle, openBundle } from '../formats/bundle/read.ts';
import { refuseStale } from '../formats/spec/lock.ts';
import { readSpec, type ReadResult } from '../formats/spec/read.ts';
import { writeSpec } from '../formats/spec/write.ts';
import { rootfsDigest } from './create/build-rootfs.ts';
import type { House } from './house.ts';
import { findBeside } from './load/beside.ts';
import { derive } from './load/derive.ts';
import { withSources } from './load/sources.ts';

/** A spec or a bundle as it was read. */
export interface Loaded extends ReadResult {
  readonly file: string;
  readonly kind: 'spec' | 'bundle';
  readonly text: string;
  /** The text, in the store. */
  readonly source: ContentRef;
  /** Where it is on top of another one: the file's own part of it, and that other one. */
  readonly derived?: { readonly own: Spec; readonly base: Spec; readonly file: string; readonly was?: Digest };
  /** What the bundle brought, by sha256. */
  readonly brought: ReadonlySet<string>;
}

const longestSpec = 64 * 1024 * 1024;

/** Reads a spec, or the spec of a bundle, whose content goes to the store. Throws UserError 2 with all faults at once. */
export async function load(file: string, house: House, above: readonly string[] = []): Promise<Loaded> {
  const head = await firstBytes(file);
  if (isBundle(head)) {
    const { text, contents } = await openBundle(file, house.store);
    return await loaded(file, 'bundle', text, { brought: contents, above }, house);
  }
  if (head.includes(0) || head.subarray(0, 2).toString('latin1') === '#!') {
    throw new UserError(`${file} is not a spec`, {
      status: 2,
      hint: `did you mean repronim reproduce -- ${file}? A command stands after --`,
    });
  }
  return await loaded(file, 'spec', await readFile(file), { brought: new Set(), above }, house);
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
  { brought, above }: { readonly brought: ReadonlySet<string>; readonly above: readonly string[] },
  house: House,
): Promise<Loaded> {
  const read = readSpec(content, { file, distributions: house.distributions });
  const bytes = Buffer.from(content);
  const text = bytes.toString('utf8');
  const own = await withSources(read.spec, kind === 'spec' ? file : undefined, house.store);
  const common = { ...read, file, kind, text, brought };
  if (own.from !== undefined) {
    const base = await loadBase(own.from, kind, [...above, file], house);
    const spec = derive(own, base.spec, `sha256:${rootfsDigest(base.spec)}`, file);
    const was = own.lock?.from;
    const derived = { own, base: base.spec, file: base.file, ...(was === undefined ? {} : { was }) };
    return { ...common, spec, derived, source: await house.store.add(Buffer.from(writeSpec(spec, house))) };
  }
  const whole = own === read.spec ? bytes : Buffer.from(writeSpec(own, { ...house, onto: read.document }));
  return { ...common, spec: own, source: await house.store.add(whole) };
}

/** More specs on top of each other than anybody reads. */
const deepest = 8;

/** The spec that one is on top of, whole itself. `above`: the files that lead here, the last one names it. */
async function loadBase(name: string, kind: Loaded['kind'], above: readonly string[], house: House): Promise<Loaded> {
  const by = above.at(-1) ?? '';
  if (kind === 'bundle') throw new UserError(`${by} is on top of ${name}, which is not in it`, { status: 2 });
  if (above.length > deepest) throw new UserError(`more than ${deepest} specs on top of each other`, { status: 2 });
  const file = await findBeside(name, by);
  if (file === undefined) throw new UserError(`${by} is on top of ${name}, which is not there`, { status: 2 });
  const ways = await Promise.all(above.map(async (one) => await realpath(one)));
  if (ways.includes(file)) throw new UserError(`${by} is on top of itself, by ${name}`, { status: 2 });
  const base = await load(file, house, above);
  refuseStale(base.spec, base);
  return base;
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
