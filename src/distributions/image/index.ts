import type { ContentRef, PackageId, Step } from '../../model/index.ts';
import type { Distribution, Wanted } from '../../contract/index.ts';
import { needed } from './needed.ts';
import { claim } from './claim.ts';
import { describe } from './describe.ts';
import { imageLockSchema, imageSchema, type ImageLock, type ImageSpec } from './spec.ts';
import { usesOf } from './uses.ts';

/** Software that is used as an image: named by what it is, and not brought into an environment. */
export const image: Distribution<ImageSpec, ImageLock> = {
  type: 'image',
  title: 'container image',
  schema: imageSchema,
  lockSchema: imageLockSchema,
  notices: (ran) => usesOf(ran).length > 0,
  claim,
  describe,
  /** What is known of it is all that it says: nothing is asked of a registry. */
  async resolve(wish, held) {
    if (held !== undefined) {
      const { of: _, ...rest } = held;
      return rest;
    }
    return /@sha256:[0-9a-f]{64}$/.test(wish.reference) ? { digests: [wish.reference] } : {};
  },
  contents(_spec, lock) {
    return {
      kept: [lock.definition, lock.content].filter((content): content is ContentRef => !!content),
      archived: [],
    };
  },
  async wanted(): Promise<readonly Wanted[]> {
    return [];
  },
  lacks(spec, lock) {
    return [needed(spec, lock)];
  },
  /** An environment does not nest engines. */
  plan(): readonly Step[] {
    return [];
  },
  packages(spec) {
    return packagesOf(spec);
  },
  /** An image lies in its engine's storage, not in a root; one that is a file is looked at where there is one. */
  async observe(spec, root) {
    if (spec.path === undefined || spec.digest === undefined) return { packages: packagesOf(spec) };
    const [digest] = await root.digest([spec.path], 'sha256');
    return { packages: packagesOf(digest === undefined ? spec : { ...spec, digest: `sha256:${digest}` }) };
  },
};

function packagesOf({ reference, path, digest, version }: ImageSpec): PackageId[] {
  return [{ key: path ?? reference, version: digest ?? version ?? '', name: reference }];
}
