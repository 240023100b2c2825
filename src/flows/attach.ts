import { setTimeout as sleep } from 'node:timers/promises';

import { UserError } from '../model/index.ts';
import type { AnyBackend, BackendContext, Instance } from '../contract/index.ts';
import type { InstanceValue, RootfsValue } from '../inventory/inventory.ts';
import type { Claim } from '../inventory/shelf.ts';
import { adoptedInstance } from './adopted.ts';
import { backendOf, paramsOf } from './backend-of.ts';
import { contextOf, type Hall } from './house.ts';
import { takeBackFrom } from './in-place/take-back.ts';

/** An instance that the inventory has, ready to be used. */
export interface Attached {
  readonly instance: Instance;
  readonly record: InstanceValue;
  readonly rootfs: InstanceRootfs | undefined;
}

/** The tree that an instance was made from, and what was changed in the instance since. */
export interface InstanceRootfs extends RootfsValue {
  readonly changed?: InstanceValue['changed'];
}

/** The instance of that name. Throws UserError 2 where there is none. */
export async function attach(name: string, hall: Hall): Promise<Attached> {
  const held = await hall.inventory.instances.find(name);
  if (held === undefined) {
    const all = await hall.inventory.instances.list();
    const members = all.flatMap(({ name: member, value }) => (value?.group === name ? [member] : []));
    if (members.length > 0) {
      throw new UserError(`${name} is a group: ${members.join(', ')}`, {
        status: 2,
        hint: `name one of them; exec --each, start, stop and delete take the group`,
      });
    }
    const names = all.map((one) => one.name);
    const known =
      names.length === 0 ? 'there are none yet: repronim create makes one' : `there are: ${names.join(', ')}`;
    throw new UserError(`there is no instance ${name}`, { status: 2, hint: known });
  }
  if (held.status !== 'made') {
    const because = held.status === 'broken' ? held.because : 'it is being made';
    throw new UserError(`${name} cannot be used: ${because}`, {
      hint: `repronim delete ${name} takes away what there is of it`,
    });
  }
  const record = held.value;
  if (record.adopted !== undefined) {
    const instance = adoptedInstance(record, backendContext(name, hall, record), hall);
    return { instance, record, rootfs: undefined };
  }
  const backend = backendOf(record.backend, hall.backends);
  const instance = await backend.attach(record, paramsOf(backend, record.params), backendContext(name, hall, record));
  const rootfs = await hall.inventory.rootfs.find(record.image.rootfs);
  return { instance, record, rootfs: rootfsOf(rootfs?.value, record) };
}

function rootfsOf(rootfs: RootfsValue | undefined, { changed }: InstanceValue): InstanceRootfs | undefined {
  return rootfs === undefined || changed === undefined ? rootfs : { ...rootfs, changed };
}

/** Whether it is a place that had been there before, and was not made from a tree of ours. */
export function isInPlace({ image }: Pick<InstanceValue, 'image'>): boolean {
  return image.rootfs === '' && image.reference !== '';
}

/** The same of an instance that is claimed: whatever is written down of it goes through that claim. */
export async function attachClaimed(
  claim: Claim<InstanceValue>,
  hall: Hall,
): Promise<{
  readonly instance: Instance;
  current(): InstanceValue;
  record(more: Partial<InstanceValue>): Promise<void>;
}> {
  const { value: held } = claim.held;
  if (held === undefined) throw new UserError(`the record of ${claim.name} is damaged`);
  if (held.adopted !== undefined) {
    throw new UserError(`${claim.name} was not made by repronim, and is not changed by it`, {
      status: 2,
      hint: `repronim trace --in ${claim.name} --system -o FILE, then create one of your own`,
    });
  }
  let value: InstanceValue = held;
  const record = async (more: Partial<InstanceValue>) => {
    value = { ...value, ...more };
    await claim.record(value);
  };
  const backend = backendOf(value.backend, hall.backends);
  const instance = await backend.attach(value, paramsOf(backend, value.params), {
    ...contextOf(hall),
    state: claim.folder,
    record: async (facts) => await record({ facts }),
  });
  return { instance, current: () => value, record };
}

/**
 * Removes an instance, whole or broken, and all that is its own; what was only adopted is forgotten. With `forget`, so is
 * what can't be removed, since its host or daemon is gone for good, say: why it can't is returned.
 */
export async function remove(
  name: string,
  hall: Hall,
  { forget = false }: { readonly forget?: boolean } = {},
): Promise<UserError | undefined> {
  await using claim = await hall.inventory.instances.claim(name);
  let because: UserError | undefined;
  try {
    await takeAway(claim, hall);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (!forget) throw forgettable(error, `repronim delete --force ${name}`);
    because = error;
  }
  await claim.remove();
  return because;
}

async function takeAway(claim: Claim<InstanceValue>, hall: Hall): Promise<void> {
  const { value } = claim.held;
  if (value === undefined || value.adopted !== undefined) return;
  const backend = backendOf(value.backend, hall.backends);
  const params = paramsOf(backend, value.params);
  const context = { ...contextOf(hall), state: claim.folder, record: async () => {} };
  await takeBackFrom(claim, backend, params, hall);
  if (claim.held.status === 'made') await (await backend.attach(value, params, context)).remove();
  await backend.sweep(value, params, context);
}

/** The same failure, with what to do where it stays so. */
function forgettable(error: UserError, command: string): UserError {
  const { message, hint, status, details } = error;
  const more = `where that will never be possible again: ${command} forgets it`;
  return new UserError(message, {
    status,
    hint: hint === undefined ? more : `${hint}; ${more}`,
    details,
    cause: error,
  });
}

function backendContext(name: string, hall: Hall, record: InstanceValue): BackendContext {
  return {
    ...contextOf(hall),
    state: hall.inventory.instances.folder(name),
    record: async (facts) => {
      await using claim = await claimSoon(name, hall);
      await claim.record({ ...(claim.held.value ?? record), facts });
    },
  };
}

/** Facts are written in a moment; another process that does so is waited for. */
async function claimSoon(name: string, hall: Hall): Promise<Claim<InstanceValue>> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await hall.inventory.instances.claim(name);
    } catch (error) {
      if (!(error instanceof UserError) || tries > 200) throw error;
      await sleep(10, undefined, { signal: hall.signal });
    }
  }
}

/** Takes away an image that nobody uses. `forget`: as `remove` has it. */
export async function removeImage(
  name: string,
  hall: Hall,
  { forget = false }: { readonly forget?: boolean } = {},
): Promise<UserError | undefined> {
  await using claim = await hall.inventory.images.claim(name);
  const { value } = claim.held;
  let because: UserError | undefined;
  try {
    // one whose making was cut short has no reference, but may have begun somewhere
    if (value !== undefined && (value.reference !== '' || Object.keys(value.facts).length > 0)) {
      const backend: AnyBackend = backendOf(value.backend, hall.backends);
      await backend.removeImage(value, paramsOf(backend, value.params), contextOf(hall));
    }
  } catch (error) {
    if (!(error instanceof UserError) || !forget) throw error;
    because = error;
  }
  await claim.remove();
  return because;
}

/** What a record says of where things lie, for people: what may be left there when it is forgotten. */
export function remains({ facts }: { readonly facts: Readonly<Record<string, unknown>> }): readonly string[] {
  return Object.entries(facts).flatMap(([key, value]) =>
    typeof value === 'string' && value !== '' && !hidden.has(key) ? [`${key} ${value}`] : [],
  );
}

/** Of no use to whoever looks for what was left. */
const hidden: ReadonlySet<string> = new Set(['socket', 'token', 'digest', 'tree', 'folder', 'enter']);
