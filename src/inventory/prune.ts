import { byBytes } from '../model/index.ts';
import type { ImageValue, InstanceValue, RootfsValue } from './inventory.ts';
import type { Held } from './shelf.ts';

/** What nobody uses. Names on the shelves, sorted; content by sha256. */
export interface Unused {
  readonly images: readonly string[];
  readonly rootfs: readonly string[];
  /** Content of the store that archives have, for rootfs trees that go. What only this machine has is never in it. */
  readonly contents: readonly string[];
}

/**
 * Images that no instance was made from, rootfs trees that neither an instance nor an image that stays needs, and what
 * was fetched for them. What was interrupted while it was made goes; what somebody is making stays, and so does
 * everything that a damaged record may have needed. `stuck` are names of images that could not be removed.
 */
export function findUnused(
  instances: readonly Held<InstanceValue>[],
  images: readonly Held<ImageValue>[],
  rootfs: readonly Held<RootfsValue>[],
  stuck: ReadonlySet<string> = new Set(),
): Unused {
  if (instances.some(({ value }) => value === undefined)) return { images: [], rootfs: [], contents: [] };
  const usedReferences = new Set(instances.map(({ value }) => referenceOf(value?.image)));
  // of which image one is made that has none yet is not known, only of which tree
  const usedTrees = new Set(
    instances.flatMap(({ value }) => (value?.image.reference === '' ? [treeOf(value.image)] : [])),
  );
  const goingImages = images.filter(
    ({ name, status, value }) =>
      status !== 'making' &&
      !stuck.has(name) &&
      !usedReferences.has(referenceOf(value)) &&
      !(value !== undefined && usedTrees.has(treeOf(value))),
  );
  const stayingImages = images.filter((image) => !goingImages.includes(image));
  const usedRootfs = new Set([
    ...instances.map(({ value }) => value?.image.rootfs),
    ...stayingImages.map(({ value }) => value?.rootfs),
    ...rootfs.flatMap(({ name, value }) => ((value?.tags?.length ?? 0) > 0 ? [name] : [])),
    ...rootfs.flatMap(({ status, value }) => (status === 'making' ? (value.base ?? []) : [])),
  ]);
  const goingRootfs = rootfs.filter(({ name, status }) => status !== 'making' && !usedRootfs.has(name));
  const staying = rootfs.filter((tree) => !goingRootfs.includes(tree));
  const needed = new Set(staying.flatMap(({ value }) => [...(value?.fetched ?? []), ...(value?.kept ?? [])]));
  const kept = new Set(rootfs.flatMap(({ value }) => value?.kept ?? []));
  const going = new Set(goingRootfs.flatMap(({ value }) => value?.fetched ?? []));
  return {
    images: goingImages.map(({ name }) => name).toSorted(byBytes),
    rootfs: goingRootfs.map(({ name }) => name).toSorted(byBytes),
    contents: [...going].filter((sha256) => !needed.has(sha256) && !kept.has(sha256)).toSorted(byBytes),
  };
}

function treeOf({ backend, rootfs }: { readonly backend: string; readonly rootfs: string }): string {
  return `${backend}\0${rootfs}`;
}

function referenceOf(image: { readonly backend: string; readonly reference: string } | undefined): string {
  return `${image?.backend}\0${image?.reference}`;
}
