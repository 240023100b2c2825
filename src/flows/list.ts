import type { InstanceStatus } from '../contract/index.ts';
import { attach } from './attach.ts';
import type { House } from './house.ts';

export interface Listed {
  readonly name: string;
  readonly backend: string;
  readonly status: InstanceStatus | 'making';
  /** The first digits of the lock's digest. */
  readonly rootfs: string;
  /** The group that it is one of. */
  readonly group?: string;
  /** The place that was adopted under this name. */
  readonly place?: string;
  /** Why it is broken. */
  readonly because?: string;
}

/** Every instance that the inventory has, sorted by name, and how it is now. */
export async function listInstances(house: House): Promise<readonly Listed[]> {
  const held = await house.inventory.instances.list();
  return await Promise.all(
    held.map(async (one): Promise<Listed> => {
      const common = {
        name: one.name,
        backend: one.value?.backend ?? '?',
        rootfs: one.value?.image.rootfs.slice(0, 12) ?? '',
        ...(one.value?.group === undefined ? {} : { group: one.value.group }),
        ...(one.value?.adopted === undefined ? {} : { place: one.value.adopted.place }),
      };
      if (one.status === 'making') return { ...common, status: 'making' };
      if (one.status === 'broken') return { ...common, status: 'broken', because: one.because };
      try {
        return { ...common, status: await (await attach(one.name, house)).instance.status() };
      } catch (error) {
        return { ...common, status: 'broken', because: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
}
