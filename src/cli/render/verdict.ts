import type { Difference, Level, LevelName, Verdict } from '../../model/index.ts';
import { count, plural } from './numbers.ts';
import { printable, shortened, tableLines } from './table.ts';

export interface VerdictView {
  /** What was verified, as the user called it. */
  readonly name: string;
  readonly width: number;
  /** Every residue, not the ten that matter. */
  readonly all?: boolean;
}

/** The table of `verify`, each residue beside its level, and one sentence. */
export function verdictLines(verdict: Verdict, view: VerdictView): readonly string[] {
  const levels = Object.entries(verdict.levels);
  const table = tableLines(
    [
      ['level', 'checked', 'equal', 'differ'],
      ...levels.map(([name, level]) => [
        name.padEnd('fingerprint'.length - 2), // the column is as wide as the word below it
        count(level.checked),
        count(level.equal).padStart(6),
        differing(level) === 0 ? '-' : count(differing(level)),
      ]),
    ],
    ['left', 'right', 'right', 'right'],
  );
  const indent = ' '.repeat(Math.max(...table.map((line) => line.length)) + 3);
  const lines = [table[0] ?? ''];
  for (const [index, [, level]] of levels.entries()) {
    const [first, ...rest] = [...sortLines(level), ...residueLines(level, view.all === true)];
    const row = table[index + 1] ?? '';
    lines.push(
      first === undefined ? row : `${row.padEnd(indent.length)}${first}`,
      ...rest.map((line) => indent + line),
    );
  }
  lines.push(fingerprintLine(verdict), '', ...unvouchedLines(verdict, view), sentence(verdict, view.name));
  return lines;
}

/** One line for the end of a step: `packages 131/131 · artifacts 127/131, 4 repacked · …`. */
export function verdictSentence({ levels }: Verdict): string {
  return Object.entries(levels)
    .map(([name, { checked, equal, explained, sorts = [] }]) => {
      const repacked = explained.filter(({ kind }) => kind === 'repacked').length;
      const title = name === ('files' satisfies LevelName) ? 'traced files' : name;
      const [first = { checked, equal }, ...others] = sorts;
      const parts = [
        `${title} ${count(first.equal)}/${count(first.checked)}`,
        ...(repacked > 0 ? [`${count(repacked)} repacked`] : []),
        ...others.map((sort) => `${sort.what} ${count(sort.equal)}/${count(sort.checked)}`),
      ];
      return parts.join(', ');
    })
    .join(' · ');
}

/** What differs, level by level, for below that line: the ten that matter of each. */
export function verdictDetails({ levels }: Verdict): readonly string[] {
  return Object.values(levels).flatMap(({ differing }) => {
    const { shown, more } = shortened(differing, false);
    return [...tableLines(shown.map(differenceCells), [], 3), ...(more > 0 ? [`… and ${count(more)} more`] : [])];
  });
}

/** What a level has counted, where that is of several sorts. */
function sortLines({ sorts = [] }: Level): readonly string[] {
  return sorts.length === 0 ? [] : [sorts.map(({ what, checked }) => `${count(checked)} ${what}`).join(', ')];
}

function fingerprintLine({ fingerprint, owners, inPlace }: Verdict): string {
  if (inPlace === true) return 'fingerprint  none: the place is more than its spec';
  if (fingerprint === undefined) return 'fingerprint  none: some files cannot be read';
  return `fingerprint  ${fingerprint}${owners === 'manifest' ? '  (owners from the manifest)' : ''}`;
}

/** Differences one a line; what is explained in groups, unless all is asked for. */
function residueLines(level: Level, all: boolean): readonly string[] {
  const { shown, more } = shortened(level.differing, all);
  const lines = [...tableLines(shown.map(differenceCells), [], 3)];
  if (more > 0) lines.push(`… and ${count(more)} more: --all`);
  if (all) return [...lines, ...tableLines(level.explained.map(explainedCells), [], 3)];
  const groups = [...Map.groupBy(level.explained, ({ explained = '' }) => explained)].toSorted(
    ([, a], [, b]) => b.length - a.length,
  );
  const few = shortened(groups, false, 3);
  lines.push(...few.shown.map(([explained, members]) => `${count(members.length)} ${printable(explained)}`));
  if (few.more > 0) {
    const rest = groups.slice(3).reduce((sum, [, members]) => sum + members.length, 0);
    lines.push(`${count(rest)} explained otherwise: --all`);
  }
  return lines;
}

/** Kinds whose values are words; those of the others are digests. */
const telling: ReadonlySet<Difference['kind']> = new Set(['mode', 'owner', 'capability', 'version', 'type']);

function differenceCells({ path, kind, was, is, owner }: Difference): readonly string[] {
  const change = telling.has(kind) ? `${was ?? ''} → ${is ?? ''}` : '';
  const who = owner ?? (kind === 'unknown' ? 'owned by nobody' : '');
  return [path, kind, [change, who].filter((part) => part !== '').join('   ')];
}

function explainedCells({ path, kind, explained = '' }: Difference): readonly string[] {
  return [path, kind === 'unknown' ? 'generated' : kind, explained];
}

function unvouchedLines({ unvouched }: Verdict, { all }: VerdictView): readonly string[] {
  if (unvouched.length === 0) return [];
  const { shown, more } = shortened(unvouched, all === true, 5);
  const rest = more > 0 ? `, … and ${count(more)} more: --all` : '';
  const are = unvouched.length === 1 ? 'is' : 'are';
  return [
    `${plural(unvouched.length, 'package')} ${are} vouched for by nobody: ${shown.map(printable).join(', ')}${rest}`,
  ];
}

function sentence({ equal, levels }: Verdict, name: string): string {
  if (equal) return `${name} is what its spec says.`;
  const packages = subjects(levels.packages);
  const artifacts = subjects(levels.artifacts);
  const files = new Set([...subjects(levels.contents), ...subjects(levels.files)]);
  const parts = [
    packages.size > 0 ? plural(packages.size, 'package') : '',
    artifacts.size > 0 ? plural(artifacts.size, 'artifact') : '',
    files.size > 0 ? plural(files.size, 'file') : '',
  ].filter((part) => part !== '');
  const last = parts.pop() ?? 'its results';
  return `${name} differs from its spec in ${parts.length > 0 ? `${parts.join(', ')} and ` : ''}${last}.`;
}

function differing(level: Level): number {
  return subjects(level).size;
}

function subjects(level: Level | undefined): ReadonlySet<string> {
  return new Set(level?.differing.map(({ path }) => path));
}
