import { UserError } from '../../model/index.ts';
import { removeMapped } from '../../sessions/mapped.ts';
import { removeImage as removeAssembled } from '../attach.ts';
import type { House } from '../house.ts';
import { findImage } from './find.ts';
import { listImages, nameOf } from './list.ts';
import { changeImage } from './tag.ts';

/** What became of `image delete`: the name only, or the tree with what backends made of it. */
export interface RemovedImage {
  readonly untagged?: string;
  readonly deleted?: string;
}

/** Takes a name away; with the last name goes the image. Throws UserError where instances were made from it. */
export async function deleteImage(word: string, house: House): Promise<RemovedImage> {
  const image = await findImage(word, house);
  const others = image.tags?.filter((tag) => tag !== word) ?? [];
  if (image.tags?.includes(word) === true && others.length > 0) {
    await changeImage(image.digest, house, (value) => ({ ...value, tags: others }));
    return { untagged: word };
  }
  using _turn = await house.inventory.prunes();
  const listed = (await listImages(house)).find(({ digest }) => digest === image.digest);
  if (listed !== undefined && listed.instances.length > 0) {
    throw new UserError(`${nameOf(image)} is in use by ${listed.instances.join(', ')}`, {
      hint: 'repronim delete NAME removes an instance',
    });
  }
  for (const { name, value } of await house.inventory.images.list()) {
    if (value?.rootfs === image.digest) await removeAssembled(name, house);
  }
  await using claim = await house.inventory.rootfs.claim(image.digest);
  await removeMapped(image.directory);
  await claim.remove();
  return { deleted: nameOf(image) };
}
