import { safeParse } from 'valibot';

import { contextOf, type House } from './house.ts';

/** One thing that may or may not work here. */
export interface Finding {
  readonly what: string;
  readonly kind: 'backend' | 'tracer';
  readonly usable: boolean;
  /** What there is, or why not. */
  readonly because: string;
  readonly hint?: string;
}

/** Tries everything, and changes nothing. */
export async function examine(house: House): Promise<readonly Finding[]> {
  const backends = house.backends.map(async (backend): Promise<Finding> => {
    const params = safeParse(backend.params, {});
    const probed = await backend.probe(params.success ? params.output : {}, contextOf(house));
    const of = { what: backend.name, kind: 'backend' as const };
    return probed.usable
      ? { ...of, usable: true, because: probed.detail }
      : { ...of, usable: false, because: probed.because, hint: probed.hint };
  });
  const probed = await house.tracer.probe(house.signal);
  const tracer: Finding = probed.usable
    ? { what: 'tracing', kind: 'tracer', usable: true, because: probed.detail }
    : { what: 'tracing', kind: 'tracer', usable: false, because: probed.because, hint: probed.hint };
  return [...(await Promise.all(backends)), tracer];
}
