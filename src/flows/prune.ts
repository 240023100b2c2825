import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { byBytes, UserError } from '../model/index.ts';
import { findUnused, type Unused } from '../inventory/prune.ts';
import { removeMapped } from '../sessions/mapped.ts';
import { removeImage } from './attach.ts';
import type { House } from './house.ts';

/** What may go; `interrupted` are folders that no running process of ours works in, absolute. */
export interface Pruneable extends Unused {
  readonly interrupted: readonly string[];
}

/** Finds what nobody uses. Changes nothing. */
export async function pruneable(house: House): Promise<Pruneable> {
  const { instances, images, rootfs } = house.inventory;
  const unused = findUnused(await instances.list(), await images.list(), await rootfs.list());
  return { ...unused, interrupted: await interrupted(house) };
}

/** What went. */
export interface Pruned extends Pruneable {
  /** Bytes of the store that are free again. */
  readonly freed: number;
  /** Images that stay, and why: their host or daemon does not answer, say. The trees that they need stay with them. */
  readonly left: readonly NotRemoved[];
  /** Images that could not be removed either, and are forgotten. */
  readonly forgotten: readonly NotRemoved[];
}

export interface NotRemoved {
  readonly name: string;
  readonly because: UserError;
}

/**
 * Removes what was found and is still used by nobody, and goes on past images that cannot be removed now; with `forget`,
 * they are forgotten. Whoever begins to need something meanwhile waits until this has ended, and then sees what is there.
 */
export async function prune(
  asked: Pruneable,
  house: House,
  { forget = false }: { readonly forget?: boolean } = {},
): Promise<Pruned> {
  using _turn = await house.inventory.prunes();
  const found = both(asked, await pruneable(house));
  const left: NotRemoved[] = [];
  const forgotten: NotRemoved[] = [];
  for (const name of found.images) {
    house.signal.throwIfAborted();
    try {
      const because = await removeImage(name, house, { forget });
      if (because !== undefined) forgotten.push({ name, because });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      left.push({ name, because: error });
    }
  }
  const going = left.length === 0 ? found : await without(new Set(left.map(({ name }) => name)), found, house);
  const freed = await removeRest(going, house);
  const stuck = new Set(forgotten.map(({ name }) => name));
  return { ...going, images: going.images.filter((name) => !stuck.has(name)), freed, left, forgotten };
}

/** What was found once, and still is. */
function both(asked: Pruneable, now: Pruneable): Pruneable {
  const common = (key: keyof Pruneable) => asked[key].filter((name) => now[key].includes(name));
  return {
    images: common('images'),
    rootfs: common('rootfs'),
    contents: common('contents'),
    interrupted: common('interrupted'),
  };
}

/** What is left to be removed where some images stay. */
async function without(stuck: ReadonlySet<string>, found: Pruneable, house: House): Promise<Pruneable> {
  const { instances, images, rootfs } = house.inventory;
  const unused = findUnused(await instances.list(), await images.list(), await rootfs.list(), stuck);
  return {
    ...found,
    images: found.images.filter((name) => !stuck.has(name)),
    rootfs: found.rootfs.filter((name) => unused.rootfs.includes(name)),
    contents: found.contents.filter((name) => unused.contents.includes(name)),
  };
}

async function removeRest(found: Pruneable, house: House): Promise<number> {
  for (const name of found.rootfs) {
    await using claim = await house.inventory.rootfs.claim(name);
    if ((claim.held.value?.tags?.length ?? 0) > 0) continue; // it was given a name meanwhile
    const directory = claim.held.value?.directory ?? join(house.places.rootfs, name);
    for (const tree of [directory, `${directory}.new`]) await removeMapped(tree);
    await claim.remove();
  }
  let freed = 0;
  for (const sha256 of found.contents) {
    const file = await house.store.find(sha256);
    if (file === undefined) continue;
    freed += (await stat(file)).size;
    await house.store.remove(sha256);
  }
  for (const path of found.interrupted) await removeMapped(path);
  return freed + (await pruneDerived(house));
}

/** What was derived from content (unpacked payloads) bears its sha256, and goes with it; half-written, the writer's id. */
async function pruneDerived(house: House): Promise<number> {
  let freed = 0;
  const top = house.store.cache('');
  for (const folder of await readdir(top).catch(() => [])) {
    for (const name of await readdir(join(top, folder)).catch(() => [])) {
      const [sha256] = /^[0-9a-f]{64}/.exec(name) ?? [];
      const isUsed = sha256 === undefined || (await house.store.find(sha256)) !== undefined;
      const writer = Number(/\.(\d+)$/.exec(name)?.[1] ?? 0);
      if (isUsed && (writer === 0 || isRunning(writer))) continue;
      const file = join(top, folder, name);
      freed += (await stat(file).catch(() => undefined))?.size ?? 0;
      await rm(file, { recursive: true, force: true });
    }
  }
  return freed;
}

/** Work folders, half-written content and probes begin with the id of the process that made them. */
async function interrupted(house: House): Promise<string[]> {
  const left: string[] = [];
  const folders = [join(house.places.data, 'work'), join(house.places.store, 'new'), house.store.cache('probes')];
  for (const folder of folders) {
    for (const name of await readdir(folder).catch(() => [])) {
      const pid = Number(/^(\d+)-/.exec(name)?.[1] ?? 0);
      if (pid > 0 && !isRunning(pid)) left.push(join(folder, name));
    }
  }
  return left.sort(byBytes);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
