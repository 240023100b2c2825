import { join } from 'node:path';

import type { DistributionSpec, Plan, Spec } from '../model/index.ts';
import { obtainAll } from './create/obtain.ts';
import { createContextOf, withWork } from './create-context.ts';
import { baseReason } from './default-base.ts';
import type { House } from './house.ts';
import { baseOf, partsOf, planOf } from './plan.ts';
import { renderDockerfile } from '../formats/render/dockerfile.ts';
import { renderScript } from '../formats/render/script.ts';
import { layerOf } from '../roots/layer.ts';
import { removeMapped } from '../sessions/mapped.ts';

/** The plan of an exact spec, without fetching or making anything. `added`: its base, where that is one by default. */
export function previewOf(spec: Spec, house: House, added?: DistributionSpec): Plan {
  const plan = planOf(spec, partsOf(spec, house.distributions), {});
  return added === undefined ? plan : { ...plan, bootstrap: { ...plan.bootstrap, because: baseReason(added) } };
}

/** Writes a folder that builds the environment elsewhere, with everything that it needs in it. */
export async function renderTo(
  spec: Spec,
  form: 'dockerfile' | 'script',
  folder: string,
  house: House,
  trusted: boolean,
): Promise<void> {
  const parts = partsOf(spec, house.distributions);
  await withWork(house, async (work) => {
    const context = createContextOf(house, work, trusted);
    const { made } = await obtainAll(parts, context);
    const plan = planOf(spec, parts, made);
    const base = baseOf(parts);
    const laid = await base.plugin.bootstrap?.(base.spec, base.lock, join(work, 'root'), context);
    if (laid === undefined) throw new Error(`${base.id} cannot lay a root`);
    const render = form === 'dockerfile' ? renderDockerfile : renderScript;
    await render(plan, folder, {
      store: house.store,
      root: layerOf(laid, () => {}),
      ...(spec.environment === undefined ? {} : { environment: spec.environment }),
    });
    await removeMapped(laid.directory);
  });
}
