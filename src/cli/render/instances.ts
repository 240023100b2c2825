import type { Listed } from '../../flows/list.ts';

/** `ls`, as a table. */
export function instanceLines(listed: readonly Listed[]): string[] {
  const widths = [
    Math.max(4, ...listed.map(({ name }) => name.length)),
    Math.max(7, ...listed.map(({ backend }) => backend.length)),
  ] as const;
  const row = (name: string, backend: string, status: string, rest: string) =>
    `${name.padEnd(widths[0])}  ${backend.padEnd(widths[1])}  ${status.padEnd(7)}  ${rest}`.trimEnd();
  return [
    row('name', 'backend', 'status', 'rootfs'),
    ...listed.map(({ name, backend, status, rootfs, because }) => row(name, backend, status, because ?? rootfs)),
  ];
}
