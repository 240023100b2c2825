import { resolve } from 'node:path';

import { UserError } from '../model/index.ts';
import type { Confinement } from '../contract/index.ts';
import type { InstanceValue } from '../inventory/inventory.ts';
import { adopterOf } from './adopted.ts';
import { paramsOf } from './backend-of.ts';
import { enteredAs } from './create.ts';
import { contextOf, type House } from './house.ts';
import type { Loaded } from './load.ts';
import { openPlace } from './place.ts';

export interface AdoptRequest {
  readonly name: string;
  /** In the grammar of places; not the name of an instance. */
  readonly place: string;
  /** The spec that it is said to be of: what `verify NAME` compares it with. */
  readonly spec?: Pick<Loaded, 'spec' | 'source'>;
  readonly params: Readonly<Record<string, unknown>>;
  readonly confinement: Confinement;
  /** What runs in it may change it. */
  readonly writable: boolean;
}

/** Takes something in under a name that somebody else has made: written down, and in nothing changed. */
export async function adopt(request: AdoptRequest, house: House): Promise<InstanceValue> {
  const { name, spec, writable } = request;
  const place = absolutePlace(request.place);
  if (place !== 'host' && !place.includes(':')) {
    throw new UserError(`${place} is no place of somebody else’s`, {
      status: 2,
      hint: 'host, root:DIR, tar:FILE, oci:DIR, docker:REF and what other backends have',
    });
  }
  const backend = adopterOf(place, house.backends);
  const reference = place.slice(place.indexOf(':') + 1);
  const params = backend === undefined ? undefined : paramsOf(backend, request.params);
  const facts = await backend?.adopt?.find(reference, params, contextOf(house));
  const own = facts === undefined ? undefined : await backend?.adopt?.entered?.(reference, params, contextOf(house));
  if (facts === undefined) {
    if (writable) throw new UserError(`${place} is only looked at: it cannot be writable`, { status: 2 });
    // whether it is there, and can be looked at
    await using _opened = await openPlace(place, house, request.params);
  }
  const word = /^([a-z]+):/.exec(place)?.[1];
  const owner = backend ?? house.backends.find(({ place: opened }) => opened !== undefined && opened.word === word);
  const value: InstanceValue = {
    name,
    backend: owner?.name ?? word ?? place,
    image: { backend: owner?.name ?? word ?? place, reference: '', rootfs: '' },
    confinement: request.confinement,
    facts: facts ?? {},
    params: request.params,
    entered:
      spec?.spec.runs === undefined && own !== undefined
        ? own
        : spec === undefined
          ? { directory: '/', environment: {} }
          : enteredAs(spec.spec, house.distributions),
    ...(spec === undefined ? {} : { spec: spec.source.sha256 }),
    adopted: { place, writable },
  };
  await using claim = await house.inventory.instances.reserve(name, value);
  await claim.commit(value);
  return value;
}

/** What lies on this machine is named so that it is found from any folder. */
function absolutePlace(place: string): string {
  const [, word, path] = /^(root|tar|oci|sif):(.+)$/s.exec(place) ?? [];
  return word === undefined || path === undefined ? place : `${word}:${resolve(path)}`;
}
