import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type { Root } from '../../contract/index.ts';
import { findSpec } from '../../formats/image/find-spec.ts';
import { isSif } from '../../formats/image/sif.ts';
import { openSif, sifToTar } from '../../formats/image/open-sif.ts';
import { squashfsToTar } from '../../formats/image/squashfs.ts';
import type { RootfsValue } from '../../inventory/inventory.ts';
import { UserError } from '../../model/index.ts';
import { asTar } from '../../roots/as-tar.ts';
import type { TarRoot } from '../../roots/tar.ts';
import { enclose } from '../../sessions/confined.ts';
import { removeMapped } from '../../sessions/mapped.ts';
import { explainFull } from '../full-disk.ts';
import { withWork } from '../create-context.ts';
import type { House } from '../house.ts';
import { load } from '../load.ts';
import { openPlace } from '../place.ts';
import { checkTag } from './find.ts';
import { takeTags } from './tag.ts';

/**
 * Takes a tree that somebody else has written (a tar, an archive of `docker save`, an OCI layout or archive, a
 * squashfs, a SIF, or any place) as an image of ours, under the digest of what is in it. A spec that was put into it comes
 * along, as does that of an instance, or one is given; without one, or `opaque`, the image can be used and compared, but
 * not verified.
 */
export async function importImage(
  from: string,
  options: { readonly tags: readonly string[]; readonly spec?: string; readonly opaque?: boolean },
  house: House,
): Promise<RootfsValue> {
  for (const tag of options.tags) checkTag(tag);
  return await withWork(house, async (work) => {
    const source = await open(from, work, house);
    try {
      refuseSuspect(from, source.root);
      const spec = options.opaque === true ? undefined : await specOf(from, options.spec, work, house);
      const { digest, bytes } = await digestOf(source.root, house);
      const value: RootfsValue = {
        digest,
        directory: join(house.places.rootfs, digest),
        from,
        fetched: [],
        kept: [],
        laid: Number.MAX_SAFE_INTEGER,
      };
      const named = await lay(source.root, value, { tags: options.tags, spec, bytes }, house);
      await takeTags(options.tags, digest, house);
      return named;
    } finally {
      await source.close();
    }
  });
}

/** Nothing is taken in of an archive that was made to do harm, even where it could be left out. */
function refuseSuspect(from: string, root: Root & Partial<Pick<TarRoot, 'suspect'>>): void {
  const [first, ...others] = root.suspect ?? [];
  if (first === undefined) return;
  const line = ({ name, because }: typeof first) => `${JSON.stringify(name).slice(1, -1).slice(0, 200)}: ${because}`;
  throw new UserError(`${from} is refused: ${line(first)}`, {
    status: 2,
    details: others.slice(0, 9).map(line),
    hint: 'it was made to do harm, or by a program that is broken: ask for it from somewhere else',
  });
}

async function digestOf(root: Root, house: House): Promise<{ readonly digest: string; readonly bytes: number }> {
  const hash = createHash('sha256');
  let done = 0;
  const devices: string[] = [];
  for await (const piece of asTar(root, house.signal, (path) => devices.push(path))) {
    hash.update(piece);
    house.onProgress({ step: 'import', what: root.label, done: (done += piece.length), unit: 'bytes' });
  }
  if (devices.length > 0) {
    const more = devices.length > 10 ? [`… and ${devices.length - 10} more`] : [];
    const finished = 'devices are left out: a place has its own';
    house.onProgress({ step: 'import', finished, details: [...devices.slice(0, 10), ...more] });
  }
  return { digest: hash.digest('hex'), bytes: done };
}

/** The tree that is there already, or as it is laid now; it has its names from the moment on at which it is whole. */
async function lay(
  root: Root,
  value: RootfsValue,
  {
    tags,
    spec,
    bytes,
  }: { readonly tags: readonly string[]; readonly spec: string | undefined; readonly bytes: number },
  house: House,
): Promise<RootfsValue> {
  await using claim = await house.inventory.rootfs.hold(value.digest, value);
  const named = (there: RootfsValue): RootfsValue => ({
    ...there,
    tags: [...new Set([...(there.tags ?? []), ...tags])],
    ...(spec === undefined ? {} : { spec }),
  });
  const { held } = claim;
  if (held.status === 'made' && existsSync(held.value.directory)) {
    const there = named(held.value);
    await claim.commit(there);
    return there;
  }
  const whole = named(value);
  const fresh = `${value.directory}.new`;
  for (const left of [fresh, value.directory]) await removeMapped(left);
  try {
    // in a folder of the enclosure: what is mounted over its own proc, sys and dev is not in the way there
    await mkdir(join(fresh, 'tree'), { recursive: true, mode: 0o755 });
    {
      await using session = await enclose(
        { root: fresh, level: 'confined', network: 'none', mounts: [] },
        house.signal,
      );
      await session.untar(asTar(root, house.signal), '/tree');
    }
    await rename(join(fresh, 'tree'), value.directory);
    await removeMapped(fresh);
    await claim.commit(whole);
    return whole;
  } catch (error) {
    const told = explainFull(error, `cannot import ${root.label}`, house.places, { about: bytes });
    await removeMapped(fresh);
    await claim.remove();
    throw told;
  }
}

interface Opened {
  readonly root: Root;
  close(): Promise<void>;
}

async function open(from: string, work: string, house: House): Promise<Opened> {
  const kind = kindOf(from);
  const tar = join(work, 'image.tar');
  if (kind === 'squashfs') await squashfsToTar(resolve(from), tar, house.signal);
  if (kind === 'sif') await sifToTar(resolve(from), tar, house.signal);
  const isTar = kind === 'squashfs' || kind === 'sif';
  const place = await openPlace(isTar ? `tar:${tar}` : kind === undefined ? from : `${kind}:${from}`, house);
  return { root: place.root, close: async () => await place[Symbol.asyncDispose]() };
}

/** How a file or folder of this machine is read; undefined where it is the word for a place. */
function kindOf(from: string): 'tar' | 'oci' | 'root' | 'squashfs' | 'sif' | undefined {
  const stat = statSync(from, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (stat.isDirectory()) return statSync(join(from, 'oci-layout'), { throwIfNoEntry: false }) ? 'oci' : 'root';
  const head = Buffer.alloc(64);
  const descriptor = openSync(from, 'r');
  try {
    readSync(descriptor, head, 0, head.length, 0);
  } finally {
    closeSync(descriptor);
  }
  if (isSif(head)) return 'sif';
  return head.toString('latin1', 0, 4) === 'hsqs' ? 'squashfs' : 'tar';
}

/** The sha256 of the spec's text, in the store: that which was named, or which came with the image. */
async function specOf(
  from: string,
  named: string | undefined,
  work: string,
  house: House,
): Promise<string | undefined> {
  if (named !== undefined) return (await load(named, house)).source.sha256;
  const kind = kindOf(from);
  if (kind === undefined) {
    const instance = await house.inventory.instances.find(from).catch(() => undefined);
    return instance?.value?.spec;
  }
  const inside =
    kind === 'sif'
      ? openSif(resolve(from)).spec
      : kind === 'tar' || kind === 'oci'
        ? await findSpec(resolve(from))
        : undefined;
  const text = inside ?? (await readFile(`${from}.yaml`).catch(() => undefined));
  if (text === undefined) return undefined;
  const file = join(work, 'repronim.yaml');
  await writeFile(file, text);
  return (await load(file, house)).source.sha256;
}
