import type { RootfsValue } from '../../inventory/inventory.ts';
import type { Hall } from '../house.ts';

/** An image as `image ls` shows it. */
export interface ListedImage {
  readonly digest: string;
  readonly tags: readonly string[];
  /** Backends that have made something of their own of it. */
  readonly backends: readonly string[];
  readonly instances: readonly string[];
  /** What it was imported from. */
  readonly from?: string;
  /** The tree of an instance as it was found. */
  readonly opaque?: true;
  readonly spec?: string;
}

/** Every image that the inventory has, by name. */
export async function listImages(hall: Hall): Promise<readonly ListedImage[]> {
  const { instances, images, rootfs } = hall.inventory;
  const [made, assembled, trees] = [await instances.list(), await images.list(), await rootfs.list()];
  return trees
    .flatMap(({ status, value }): RootfsValue[] => (status === 'made' && value !== undefined ? [value] : []))
    .map(({ digest, tags = [], from, opaque, spec }) => ({
      digest,
      tags,
      backends: [...new Set(assembled.flatMap(({ value }) => (value?.rootfs === digest ? [value.backend] : [])))],
      instances: made.flatMap(({ name, value }) => (value?.image.rootfs === digest ? [name] : [])),
      ...(from === undefined ? {} : { from }),
      ...(opaque === undefined ? {} : { opaque }),
      ...(spec === undefined ? {} : { spec }),
    }))
    .toSorted((a, b) => nameOf(a).localeCompare(nameOf(b), 'en'));
}

/** Where an image has come from, for people. */
export function originOf({ from, opaque, spec }: Pick<ListedImage, 'from' | 'opaque' | 'spec'>): string {
  if (from === undefined) return 'built';
  if (opaque === true) return `opaque commit of ${from}`;
  return `from ${from}${spec === undefined ? ', no spec' : ''}`;
}

/** What people call an image: its first name, else the first digits of its digest. */
export function nameOf({ digest, tags }: { readonly digest: string; readonly tags?: readonly string[] }): string {
  return tags?.[0] ?? digest.slice(0, 12);
}
