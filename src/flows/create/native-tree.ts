import { UserError, type Spec } from '../../model/index.ts';
import type { RootfsValue } from '../../inventory/inventory.ts';
import { nativeBase } from '../../formats/bases.ts';
import type { House } from '../house.ts';
import { importImage } from '../image/import.ts';
import { baseOf, partsOf } from '../plan.ts';

/**
 * The tree of the image that a spec's own distribution publishes, taken in once from an engine that has it; from then
 * on it is known by its digest. Nothing is pulled: throws UserError 4 that says what to pull.
 */
export async function nativeTree(spec: Spec, house: House): Promise<RootfsValue> {
  const base = baseOf(partsOf(spec, house.distributions));
  const reference = nativeBase(base.spec, house.settings('bases'));
  const places = house.backends.flatMap(({ place }) =>
    place?.operand === 'REF' ? [`${place.word}:${reference}`] : [],
  );
  for (const { status, value } of await house.inventory.rootfs.list()) {
    if (status === 'made' && value.from !== undefined && places.includes(value.from)) return value;
  }
  const tried: string[] = [];
  for (const place of places) {
    try {
      return await importImage(place, { tags: [] }, house);
    } catch (error) {
      if (!(error instanceof UserError) || (error.status !== 2 && error.status !== 4)) throw error;
      tried.push(`${place}: ${error.message}`);
    }
  }
  throw new UserError(`${reference} is on this machine nowhere`, {
    status: 4,
    details: tried,
    hint: `docker pull ${reference}, or podman pull ${reference}; [bases] of the settings names another image`,
  });
}
