import type { Listed } from '../../flows/list.ts';
import { tableLines } from './table.ts';

/** `ls`, as a table; which group somebody is of is only a column where there are groups. */
export function instanceLines(listed: readonly Listed[]): readonly string[] {
  const groups = listed.some(({ group }) => group !== undefined);
  const row = (name: string, group: string, ...rest: readonly string[]) => [name, ...(groups ? [group] : []), ...rest];
  return tableLines([
    row('name', 'group', 'backend', 'status', 'rootfs'),
    ...listed.map(({ name, group = '-', backend, status, rootfs, place, because }) =>
      row(name, group, backend, status, because ?? (place === undefined ? rootfs : `attached ${place}`)),
    ),
  ]);
}
