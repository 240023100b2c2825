import type { Shrunk } from '../../flows/image/shrink.ts';
import { nameOf } from '../../flows/image/list.ts';
import { count, plural, size } from './numbers.ts';
import { printable } from './table.ts';

/** What was saved, and what proves that nothing was lost. */
export function shrunkLines(done: Shrunk, word: string): string[] {
  const { before, after, replays, notes } = done;
  const saved = before.bytes - after.bytes;
  const share = before.bytes === 0 ? 0 : Math.round((100 * saved) / before.bytes);
  const lines = [
    `shrink    ${size(before.bytes)} → ${size(after.bytes)}: ${size(saved)} saved (${share} %)`,
    `          ${plural(before.packages, 'package')} → ${count(after.packages)}, ${plural(before.files, 'file')} → ${count(after.files)}`,
    ...notes.map(({ text }) => `          ${printable(text)}`),
  ];
  for (const { id, status, outputs, equal } of replays) {
    const same = outputs.filter(({ result }) => result === 'equal').length;
    const exit = status.was === status.is ? `exit ${status.is}, as before` : `exit ${status.was} → ${status.is}`;
    lines.push(`replay    ${id}: ${exit} · ${plural(outputs.length, 'output')}, ${count(same)} equal`);
    if (equal) continue;
    for (const { path, result, because } of outputs) {
      if (result !== 'equal') lines.push(`          ${printable(path)}  ${because ?? result}`);
    }
  }
  if (done.image !== undefined) lines.push(`image     ${nameOf(done.image)}  sha256:${done.image.digest}`);
  else lines.push(`the smaller image does not give the same: nothing is kept of it, and ${word} is as it was`);
  return lines;
}
