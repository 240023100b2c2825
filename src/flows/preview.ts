import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { notMadeYet, UserError, type DistributionSpec, type Plan, type Spec } from '../model/index.ts';
import { activationsOf, environmentOf, withActive } from './activation.ts';
import { obtainAll } from './create/obtain.ts';
import { createContextOf, withWork } from './create-context.ts';
import { baseReason } from './default-base.ts';
import type { House } from './house.ts';
import { baseOf, installSteps, partsOf, planOf, stepsOf, type Made, type Part } from './plan.ts';
import { nativeBase } from '../formats/bases.ts';
import { renderApptainer } from '../formats/render/apptainer.ts';
import { renderDockerfile } from '../formats/render/dockerfile.ts';
import { renderSchroot } from '../formats/render/schroot.ts';
import { renderScript } from '../formats/render/script.ts';
import type { Template } from '../formats/render/template.ts';
import { layerOf } from '../roots/layer.ts';
import { removeMapped } from '../sessions/mapped.ts';

/** The plan of an exact spec, without fetching or making anything. `added`: its base, where that is one by default. */
export function previewOf(spec: Spec, house: House, added?: DistributionSpec): Plan {
  const parts = partsOf(spec, house.distributions);
  const plan = planOf(spec, parts, unmade(parts));
  return added === undefined ? plan : { ...plan, bootstrap: { ...plan.bootstrap, because: baseReason(added) } };
}

/** The same for a place that is there already: its system is compared, and what else the spec has is laid over it. */
export function previewInPlace(spec: Spec, house: House): Plan {
  const plan = previewOf(spec, house);
  const parts = partsOf(spec, house.distributions);
  const base = baseOf(parts);
  const { distributions, customize, files } = stepsOf(
    spec,
    parts.filter((part) => part !== base),
    unmade(parts),
  );
  const because = 'compared with the system that is there, which is not touched unless --allow-system is said';
  return { ...plan, bootstrap: { ...plan.bootstrap, because }, steps: [...distributions, ...customize, ...files] };
}

/** What stands for the trees that are only made when they are wanted. */
function unmade(parts: readonly Part[]): Made {
  return Object.fromEntries(parts.map(({ id }) => [id, { tree: notMadeYet }]));
}

/** The forms in which a plan can be written. */
export const forms = {
  apptainer: renderApptainer,
  dockerfile: renderDockerfile,
  schroot: renderSchroot,
  script: renderScript,
};

export interface RenderRequest {
  readonly form: keyof typeof forms;
  /** New, or empty. */
  readonly folder: string;
  /** A file that is filled in instead of the form's own recipe, or of that which `[templates]` of the settings names. */
  readonly template?: string;
  /** `native`: it starts from the image that the distribution publishes, and not from the exact tree. */
  readonly base: 'exact' | 'native';
  readonly trusted: boolean;
}

/** Writes a folder that builds the environment elsewhere, with everything that it needs in it. */
export async function renderTo(spec: Spec, request: RenderRequest, house: House): Promise<void> {
  const { form, folder, trusted } = request;
  if (request.base === 'native' && form !== 'dockerfile') {
    throw new UserError(`${form} starts from the exact tree only`, { status: 2, hint: '--render dockerfile' });
  }
  const file = request.template ?? house.settings('templates')[form];
  const template = typeof file === 'string' ? await readTemplate(file) : undefined;
  const parts = partsOf(spec, house.distributions);
  const isNew = (await stat(folder).catch(() => undefined)) === undefined;
  await withWork(house, async (work) => {
    const context = createContextOf(house, work, trusted);
    const { made } = await obtainAll(parts, context);
    const base = baseOf(parts);
    const common = {
      store: house.store,
      ...(template === undefined ? {} : { template }),
      environment: variablesOf(spec, house),
    };
    if (request.base === 'native') {
      const image = nativeBase(base.spec, house.settings('bases'));
      await renderDockerfile(onNative(planOf(spec, parts, made), base, image), folder, { ...common, base: image });
      return;
    }
    const plan = planOf(spec, parts, made);
    const laid = await base.plugin.bootstrap?.(base.spec, base.lock, join(work, 'root'), context);
    if (laid === undefined) throw new Error(`${base.id} cannot lay a root`);
    await forms[form](plan, folder, { ...common, root: layerOf(laid, () => {}) });
    await removeMapped(laid.directory);
  }).catch(async (error: unknown) => {
    // half a folder builds nothing
    if (isNew) await rm(folder, { recursive: true, force: true });
    throw error;
  });
}

/** Of its first run: those that are written down, and what is switched on for it sets. */
function variablesOf(spec: Spec, { distributions }: House): Readonly<Record<string, string>> {
  const [run] = spec.runs ?? [];
  const environment = environmentOf(spec, run);
  return run?.with === undefined ? environment : withActive(environment, run.with, activationsOf(spec, distributions));
}

/** The plan with the locked packages installed into an image that has some of its own: those stay. */
function onNative(plan: Plan, base: Part, image: string): Plan {
  return { ...plan, bootstrap: { ...plan.bootstrap, summary: image }, steps: [...installSteps(base), ...plan.steps] };
}

async function readTemplate(file: string): Promise<Template> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true) throw new UserError(`there is no template ${file}`, { status: 2 });
  if (found.size > 1024 * 1024) throw new UserError(`${file} is too large for a template`, { status: 2 });
  return { file, text: await readFile(file, 'utf8') };
}
