import type { Commit, Committed } from '../../flows/image/commit.ts';
import { nameOf } from '../../flows/image/list.ts';
import { diffLines } from './diff.ts';
import { count, plural } from './numbers.ts';
import { printable, shortened } from './table.ts';
import { noteLines } from './trace.ts';

/** What was done by hand, as what it makes of the spec. */
export function commitLines(commit: Commit, options: { readonly all: boolean; readonly verbose: boolean }): string[] {
  const { added, changed, removed } = commit.paths;
  const lines = [`look      ${count(added)} paths added, ${count(changed)} changed, ${count(removed)} removed`];
  lines.push(...noteLines(commit.notes, options.verbose).map((line) => `          ${line}`));
  if (!commit.differences.equal) lines.push(...diffLines(commit.differences, { all: options.all }));
  return lines;
}

/** What came of it: the image, and where it is not as the instance. */
export function committedLines(name: string, done: Committed, all: boolean): string[] {
  const { left, compared } = done;
  const lines = [`image     ${nameOf(done.image)}  sha256:${done.image.digest}`];
  if (left.length === 0) {
    lines.push(`verify    as ${name} in all of ${plural(compared, 'path')}`);
    return lines;
  }
  lines.push(`verify    ${plural(left.length, 'path')} of ${count(compared)} not as in ${name}:`);
  const { shown, more } = shortened(left, all);
  const words = { missing: 'not in the image', changed: 'another', unknown: 'in the image only' };
  for (const { path, kind } of shown) lines.push(`          ${printable(path)}  ${words[kind]}`);
  if (more > 0) lines.push(`          … and ${count(more)} more: --all`);
  return lines;
}
