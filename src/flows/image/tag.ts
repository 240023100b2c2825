import { UserError } from '../../model/index.ts';
import type { RootfsValue } from '../../inventory/inventory.ts';
import type { Hall } from '../house.ts';
import { checkTag, findImage } from './find.ts';

/** Gives an image a further name; what had it before loses it. */
export async function tagImage(word: string, tag: string, hall: Hall): Promise<RootfsValue> {
  checkTag(tag);
  const image = await findImage(word, hall);
  await takeTags([tag], image.digest, hall);
  return await changeImage(image.digest, hall, (value) => ({
    ...value,
    tags: [...new Set([...(value.tags ?? []), tag])],
  }));
}

/** Takes names from all images but one. */
export async function takeTags(tags: readonly string[], but: string, hall: Hall): Promise<void> {
  for (const { name, value } of await hall.inventory.rootfs.list()) {
    if (name === but || value?.tags?.some((tag) => tags.includes(tag)) !== true) continue;
    await changeImage(name, hall, (held) => ({ ...held, tags: held.tags?.filter((tag) => !tags.includes(tag)) ?? [] }));
  }
}

/** Changes what the inventory has of an image, while nobody else does. */
export async function changeImage(
  digest: string,
  hall: Hall,
  change: (value: RootfsValue) => RootfsValue,
): Promise<RootfsValue> {
  await using claim = await hall.inventory.rootfs.claim(digest);
  const { status, value } = claim.held;
  if (status !== 'made' || value === undefined) throw new UserError(`the image ${digest.slice(0, 12)} is not whole`);
  const changed = change(value);
  await claim.commit(changed);
  return changed;
}
