import type { Plan, Spec } from '../model/index.ts';
import { obtainAll } from './create/obtain.ts';
import { createContextOf, withWork, type House } from './house.ts';
import { partsOf, planOf } from './plan.ts';
import { renderDockerfile } from '../formats/render/dockerfile.ts';
import { renderScript } from '../formats/render/script.ts';

/** The plan of an exact spec, without fetching or making anything. */
export function previewOf(spec: Spec, house: House): Plan {
  return planOf(spec, partsOf(spec, house.distributions), {});
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
    const { made } = await obtainAll(parts, createContextOf(house, work, trusted));
    const plan = planOf(spec, parts, made);
    const render = form === 'dockerfile' ? renderDockerfile : renderScript;
    await render(plan, folder, { store: house.store, spec });
  });
}
