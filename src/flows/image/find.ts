import { UserError, type Spec } from '../../model/index.ts';
import type { RootfsValue } from '../../inventory/inventory.ts';
import type { Hall, House } from '../house.ts';
import { isInPlace } from '../attach.ts';
import { loadStored } from '../load.ts';

const tagForm = /^[a-z][a-z0-9._-]{0,63}(?::[A-Za-z0-9][A-Za-z0-9._-]{0,63})?$/;

/** Throws UserError 2 for what is no name of an image. */
export function checkTag(tag: string): string {
  if (tagForm.test(tag)) return tag;
  throw new UserError(`${tag} is no name for an image`, {
    status: 2,
    hint: 'a small letter, then letters, digits, . _ -, and perhaps :VERSION',
  });
}

/** The image of that name, of that digest (its first digits do), or that an instance was made from. */
export async function findImage(word: string, hall: Hall): Promise<RootfsValue> {
  const held = (await hall.inventory.rootfs.list()).filter(({ status }) => status === 'made');
  const values = held.flatMap(({ value }) => value ?? []);
  const named = values.find(({ tags }) => tags?.includes(word));
  if (named !== undefined) return named;
  const digits = word.replace(/^sha256:/, '');
  const alike = /^[0-9a-f]{6,64}$/.test(digits) ? values.filter(({ digest }) => digest.startsWith(digits)) : [];
  if (alike.length === 1 && alike[0] !== undefined) return alike[0];
  if (alike.length > 1) throw new UserError(`${word} is the beginning of ${alike.length} images`, { status: 2 });
  const instance = await hall.inventory.instances.find(word).catch(() => undefined);
  const made = values.find(({ digest }) => digest === instance?.value?.image.rootfs);
  if (made !== undefined) return made;
  if (instance?.value !== undefined && isInPlace(instance.value)) {
    throw new UserError(`${word} is laid over ${instance.value.image.reference}: it has no tree of its own`, {
      status: 2,
      hint: `a bundle says what it is made from: repronim image export ${word} -o ${word}.repronim`,
    });
  }
  const known = values.map(({ digest, tags }) => tags?.[0] ?? digest.slice(0, 12));
  throw new UserError(`there is no image ${word}`, {
    status: 2,
    hint:
      known.length === 0 ? 'there are none yet: repronim image build SPEC makes one' : `there are: ${known.join(', ')}`,
  });
}

/** The spec of an image; undefined where it has none, or the store has lost it. */
export async function specOfImage(image: RootfsValue, house: House): Promise<Spec | undefined> {
  if (image.spec === undefined || (await house.store.find(image.spec)) === undefined) return undefined;
  return await loadStored(image.tags?.[0] ?? image.digest.slice(0, 12), image.spec, house);
}
