import { UserError, type ContentRef, type CustomizeStep, type Spec } from '../../model/index.ts';
import { readSteps } from '../../formats/spec/steps.ts';
import { writeSpec } from '../../formats/spec/write.ts';
import type { House } from '../house.ts';

interface Of {
  readonly spec?: Spec;
  readonly source?: Pick<ContentRef, 'sha256'>;
  readonly image?: unknown;
}

/**
 * A request with the steps that this machine's settings have for its backend (`customize` of `[backends.NAME]`) after
 * those of its spec. The tree is another then than on other backends, and so is its fingerprint.
 */
export async function withBackendSteps<R extends Of>(request: R, backend: string, house: House): Promise<R> {
  const { spec } = request;
  if (spec === undefined || request.image !== undefined) return request;
  const steps = stepsFor(backend, house);
  if (steps.length === 0) return request;
  const whole: Spec = { ...spec, customize: [...(spec.customize ?? []), ...steps] };
  return { ...request, spec: whole, source: await house.store.add(Buffer.from(writeSpec(whole, house))) };
}

function stepsFor(backend: string, house: House): readonly CustomizeStep[] {
  const table = house.settings('backends')[backend];
  const given = typeof table === 'object' && table !== null && 'customize' in table ? table.customize : undefined;
  if (given === undefined) return [];
  const where = `[backends.${backend}] customize`;
  const steps = readSteps(given, where);
  if (steps.some(({ file }) => file?.source !== undefined)) {
    throw new UserError(`${where}: a file of the settings has its content with it, not a source`, { status: 2 });
  }
  return steps;
}
