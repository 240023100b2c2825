import { type ContentRef, type Spec } from '../../model/index.ts';
import type { Obtained } from '../../contract/index.ts';
import type { RootfsValue } from '../../inventory/inventory.ts';
import { buildRootfs } from '../create/build-rootfs.ts';
import type { House } from '../house.ts';
import { checkTag } from './find.ts';
import { changeImage, takeTags } from './tag.ts';

export interface BuiltImage {
  readonly image: RootfsValue;
  /** Absent where it was there already. */
  readonly obtained?: Obtained;
}

/** The tree of an exact spec, kept under names until it is deleted; `source` is the spec's text, in the store. */
export async function buildImage(
  spec: Spec,
  source: ContentRef,
  tags: readonly string[],
  trusted: boolean,
  house: House,
): Promise<BuiltImage> {
  for (const tag of tags) checkTag(tag);
  const { rootfs, obtained } = await buildRootfs(spec, house, trusted);
  await takeTags(tags, rootfs.digest, house);
  const image = await changeImage(rootfs.digest, house, (value) => ({
    ...value,
    spec: source.sha256,
    tags: [...new Set([...(value.tags ?? []), ...tags])],
  }));
  return { image, ...(obtained === undefined ? {} : { obtained }) };
}
