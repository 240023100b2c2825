import type { Spec } from '../../model/index.ts';
import { create, type Created, type CreateRequest } from '../create.ts';
import type { House } from '../house.ts';
import { findImage, specOfImage } from './find.ts';

/** An instance of an image that is there; its spec, where it has one, is the instance's as well. */
export async function createFromImage(
  word: string,
  request: Omit<CreateRequest, 'spec' | 'source' | 'image'>,
  house: House,
): Promise<{ readonly created: Created; readonly spec: Spec | undefined }> {
  const image = await findImage(word, house);
  const spec = await specOfImage(image, house);
  const known = spec === undefined || image.spec === undefined ? {} : { spec, source: { sha256: image.spec } };
  return { created: await create({ ...request, ...known, image }, house), spec };
}
