import type { CreateRequest } from '../create.ts';
import type { House } from '../house.ts';
import { findImage, specOfImage } from './find.ts';

/** What an instance is made from where that is an image: its spec, where it has one, is the instance's as well. */
export async function sourceOfImage(
  word: string,
  house: House,
): Promise<Pick<CreateRequest, 'image' | 'spec' | 'source'>> {
  const image = await findImage(word, house);
  const spec = await specOfImage(image, house);
  if (spec === undefined || image.spec === undefined) return { image };
  return { image, spec, source: { sha256: image.spec } };
}
