import { UserError } from '../model/index.ts';
import type { AnyBackend, BackendContext, Instance } from '../contract/index.ts';
import type { InstanceValue } from '../inventory/inventory.ts';
import { paramsOf } from './backend-of.ts';
import type { Hall } from './house.ts';

/** Something that we did not make, as an instance: entered where its backend can, else only looked at. */
export function adoptedInstance(record: InstanceValue, context: BackendContext, { backends }: Hall): Instance {
  const { adopted, name } = record;
  const backend = adopterOf(adopted?.place ?? '', backends);
  if (backend?.adopt === undefined || Object.keys(record.facts).length === 0)
    return lookedAt(name, adopted?.place ?? '');
  return backend.adopt.enter(record, adopted?.writable === true, paramsOf(backend, record.params), context);
}

/** The backend that enters places of that kind, if any. */
export function adopterOf(place: string, backends: readonly AnyBackend[]): AnyBackend | undefined {
  const [, word] = /^([a-z]+):/.exec(place) ?? [];
  return backends.find(({ adopt }) => adopt !== undefined && adopt.word === word);
}

function lookedAt(name: string, place: string): Instance {
  const refuse = async (): Promise<never> => {
    const hint =
      place === 'host'
        ? 'it is this machine'
        : `repronim trace --in ${name} --system; verify, diff and fingerprint look at it`;
    throw new UserError(`nothing can be run in ${name}: ${place} is only looked at`, { status: 2, hint });
  };
  return {
    name,
    status: async () => (place === 'host' ? 'running' : 'stopped'),
    start: refuse,
    stop: refuse,
    session: refuse,
    async remove() {}, // it is somebody else's
  };
}
