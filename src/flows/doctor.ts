import { safeParse } from 'valibot';

import { UserError } from '../model/index.ts';
import { contextOf, type House } from './house.ts';
import { examineResource, resourcesOf } from './resource.ts';

/** One thing that may or may not work here. */
export interface Finding {
  readonly what: string;
  readonly kind: 'backend' | 'resource' | 'tracer';
  readonly usable: boolean;
  /** What there is, or why not. */
  readonly because: string;
  readonly hint?: string;
}

/** Tries everything, and changes nothing. */
export async function examine(house: House): Promise<readonly Finding[]> {
  const backends = house.backends.map(async (backend): Promise<Finding> => {
    const params = safeParse(backend.params, {});
    const of = { what: backend.name, kind: 'backend' as const };
    if (!params.success) {
      const hint = `repronim resource add NAME --backend ${backend.name} …: its resources are examined, too`;
      return { ...of, usable: false, because: params.issues[0].message, hint };
    }
    const probed = await backend.probe(params.output, contextOf(house));
    return probed.usable
      ? { ...of, usable: true, because: probed.detail }
      : { ...of, usable: false, because: probed.because, hint: probed.hint };
  });
  const resources = resourcesOf(house).map(async (resource): Promise<Finding> => {
    const of = { what: resource.name, kind: 'resource' as const };
    try {
      const found = await examineResource(resource, house);
      return found.usable
        ? { ...of, usable: true, because: `${resource.backend} ${found.detail}` }
        : { ...of, usable: false, because: found.because, hint: found.hint };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { ...of, usable: false, because: error.message, hint: error.hint ?? 'repronim resource show says more' };
    }
  });
  const probed = await house.tracer.probe(house.signal);
  const tracer: Finding = probed.usable
    ? { what: 'tracing', kind: 'tracer', usable: true, because: probed.detail }
    : { what: 'tracing', kind: 'tracer', usable: false, because: probed.because, hint: probed.hint };
  return [...(await Promise.all([...backends, ...resources])), tracer];
}
