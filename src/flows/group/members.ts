import type { Hall } from '../house.ts';

/** So many are started, stopped or run in at the same time where nothing else is said. */
export const atOnce = 4;

/** The instances of a group, in the order of their numbers; none where no group has that name. */
export async function membersOf(name: string, { inventory }: Pick<Hall, 'inventory'>): Promise<readonly string[]> {
  const all = await inventory.instances.list();
  const numberOf = (member: string) => Number(/-(\d+)$/.exec(member)?.[1] ?? 0);
  return all
    .flatMap(({ name: member, value }) => (value?.group === name ? [member] : []))
    .toSorted((a, b) => numberOf(a) - numberOf(b));
}

/** Names of instances, each once: a group's name stands for all that are in it. */
export async function expandGroups(
  names: readonly string[],
  hall: Pick<Hall, 'inventory'>,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of names) {
    const isThere = (await hall.inventory.instances.find(name)) !== undefined;
    const members = isThere ? [] : await membersOf(name, hall);
    found.push(...(members.length > 0 ? members : [name]));
  }
  return [...new Set(found)];
}

/**
 * Does something with each, so many at a time; the answers in the order of the items. After a failure nothing more is
 * begun, what was begun is waited for, and the first failure is thrown.
 */
export async function inTurns<T, R>(
  items: readonly T[],
  most: number,
  use: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const answers: R[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const work = async () => {
    while (next < items.length && failures.length === 0) {
      const index = next++;
      try {
        answers[index] = await use(items[index] as T);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, work));
  if (failures.length > 0) throw failures[0];
  return answers;
}
