import type { Change, Differences, DistributionDifference } from '../../model/index.ts';
import { count, plural } from './numbers.ts';
import { printable, shortened, tableLines } from './table.ts';

export interface DiffView {
  /** Every change, not the first ten of each part. */
  readonly all?: boolean;
}

/** What differs, part by part, and one sentence. */
export function diffLines(found: Differences, view: DiffView = {}): readonly string[] {
  if (found.equal) return [equalSentence(found)];
  const parts: { readonly title: string; readonly changes: readonly Change[] }[] = [
    ...found.distributions
      .filter(hasChange)
      .map((one) => ({ title: titleOf(one), changes: [...one.packages, ...one.fields] })),
    { title: 'files', changes: found.files.map(fileChange) },
    { title: 'runs', changes: found.runs.map(fileChange) },
    { title: 'environment', changes: found.environment },
    { title: 'customize', changes: found.customize },
  ].filter(({ title, changes }) => changes.length > 0 || title.includes('→'));
  const cells = parts.map(({ changes }) => {
    const { shown, more } = shortened(changes.toSorted(byKind), view.all === true);
    return { rows: shown.map((change) => [change.subject, valueOf(change)]), marks: shown.map(markOf), more };
  });
  // one table for all, so that versions stand below each other
  const rows = tableLines(
    cells.flatMap((one) => one.rows),
    [],
    3,
  );
  let at = 0;
  const lines: string[] = [];
  for (const [index, { title }] of parts.entries()) {
    const { marks, more } = cells[index] ?? { marks: [], more: 0 };
    lines.push(title, ...marks.map((mark, row) => `  ${mark} ${rows[at + row] ?? ''}`.trimEnd()));
    if (more > 0) lines.push(`  … and ${count(more)} more: --all`);
    at += marks.length;
  }
  lines.push(sentence(found));
  return lines;
}

function titleOf({ type, id, where, release }: DistributionDifference): string {
  // where it lies says more than what it is called
  const name = id === type || where !== undefined ? type : `${type} ${id}`;
  const place = where === undefined ? '' : ` ${where}`;
  if (release === undefined) return printable(`${name}${place}`);
  return printable(`${name}${place}`.padEnd(9) + ` ${release.was ?? '?'} → ${release.is ?? '?'}`);
}

function hasChange({ release, packages, fields }: DistributionDifference): boolean {
  return release !== undefined || packages.length > 0 || fields.length > 0;
}

const order = ['~', '+', '-'];

/** Changed ones first, then those that only the second has, then those that only the first has. */
function byKind(a: Change, b: Change): number {
  return order.indexOf(markOf(a)) - order.indexOf(markOf(b));
}

function markOf({ was, is }: Change): string {
  if (was !== undefined && is !== undefined) return '~';
  return was === undefined ? '+' : '-';
}

function valueOf({ was, is }: Change): string {
  return was !== undefined && is !== undefined ? `${was} → ${is}` : (was ?? is ?? '');
}

/** Of two long descriptions, what they do not have in common; a digest only as the word for it. */
function fileChange({ subject, was, is }: Change): Change {
  if (was === undefined || is === undefined) {
    return { subject, ...(was === undefined ? {} : { was: '' }), ...(is === undefined ? {} : { is: '' }) };
  }
  const [before, after] = [was.split(' '), is.split(' ')];
  if (before.length !== after.length) return { subject, was: brief(was), is: brief(is) };
  const differing = [...before.keys()].filter((index) => before[index] !== after[index]);
  const text = (words: readonly string[]) => brief(differing.map((index) => words[index]).join(' '));
  return { subject, was: text(before), is: text(after) };
}

function brief(text: string): string {
  return text.replaceAll(/\b([0-9a-f]{8})[0-9a-f]{56}\b/g, '$1…');
}

function sentence({ distributions, files, runs, environment, customize }: Differences): string {
  const packages = distributions
    .filter((one) => one.packages.length > 0)
    .map((one, index) =>
      index === 0
        ? `${plural(one.packages.length, 'change')} in ${plural(one.compared, 'package')}`
        : `${count(one.packages.length)} in ${count(one.compared)}`,
    );
  const releases = distributions.filter(
    ({ release, packages: changed }) => release !== undefined && changed.length === 0,
  );
  const fields = distributions.reduce((sum, one) => sum + one.fields.length, 0);
  const parts = [
    ...packages,
    releases.length > 0 ? plural(releases.length, 'other release') : '',
    fields > 0 ? plural(fields, 'field') : '',
    files.length > 0 ? plural(files.length, 'file') : '',
    runs.length > 0 ? `${plural(runs.length, 'fact')} of runs` : '',
    environment.length > 0 ? plural(environment.length, 'variable') : '',
    customize.length > 0 ? `${plural(customize.length, 'step')} of customize` : '',
  ];
  return `${parts.filter((part) => part !== '').join(', ')}.`;
}

function equalSentence({ satisfies, of: [a, b], distributions }: Differences): string {
  const compared = plural(
    distributions.reduce((sum, one) => sum + one.compared, 0),
    'package',
  );
  if (satisfies) return `${b} has all that ${a} asks for: ${compared}.`;
  return `no difference in ${compared}.`;
}
