import type { Note } from '../../model/index.ts';
import type { SavedBundle } from '../../flows/save-bundle.ts';
import type { Traced } from '../../flows/trace.ts';
import { plural, size } from './numbers.ts';

/** What a trace found, for a person: what there is first, then what to know. */
export function traceLines(traced: Traced, written: readonly string[], verbose: boolean): string[] {
  const { summary } = traced;
  const lines = [`trace     ${sentence(traced)}`];
  if (summary.inputs + summary.outputs > 0) {
    lines.push(`          ${plural(summary.inputs, 'input')}, ${plural(summary.outputs, 'output')}`);
  }
  lines.push(...noteLines(summary.notes, verbose).map((line) => `          ${line}`));
  if (summary.sockets.length > 0) {
    lines.push(`          talked to: ${few(summary.sockets, verbose)}`);
  }
  for (const file of written) lines.push(`wrote     ${file}`);
  return lines;
}

/** `412 files of 14 Debian packages, 1 git work tree; 2 loose files, 812 B`. */
export function sentence({ summary }: Traced): string {
  const found = summary.distributions.join(', ');
  const owned = found === '' ? 'no files of any package' : `${filesOf(summary)}${found}`;
  const { files, size: bytes } = summary.loose;
  return `${owned}; ${plural(files, 'loose file')}${files === 0 ? '' : `, ${size(bytes)}`}`;
}

/** A whole machine is not counted in files. */
function filesOf({ files, whole }: Traced['summary']): string {
  return whole ? 'all of ' : `${plural(files, 'file')} of `;
}

const headings: Readonly<Record<Note['kind'], string>> = {
  gone: 'in no archive any more, kept as installed',
  partial: 'kept, but not whole',
  unreadable: 'could not be read',
  left: 'left out',
  secret: 'replaced',
  service: 'done by somebody else',
  incomplete: 'may be missing from this trace',
  warning: 'warning',
};

/** `study.repronim (12 MB): 4 pieces that no archive has, 2 loose files, 1 input`. */
export function bundleLine({ file, size: bytes, kept, archived, loose, inputs }: SavedBundle): string {
  const holds = [
    ...(kept > 0 ? [`${plural(kept, 'piece')} that no archive has`] : []),
    ...(archived > 0 ? [`${plural(archived, 'package')} that archives have`] : []),
    ...(loose > 0 ? [plural(loose, 'loose file')] : []),
    ...(inputs > 0 ? [plural(inputs, 'input')] : []),
  ];
  return `${file} (${size(bytes)})${holds.length === 0 ? '' : `: ${holds.join(', ')}`}`;
}

/** Notes by kind, each kind a line with the first few of what it is about. */
export function noteLines(notes: readonly Note[], verbose: boolean): string[] {
  const kinds = Object.keys(headings) as Note['kind'][];
  return kinds.flatMap((kind) => {
    const mine = notes.filter((note) => note.kind === kind);
    const gone = kind === 'gone' ? mine.flatMap(({ about }) => (about === undefined ? [] : [nameOf(about)])) : [];
    const of = [...new Set(mine.filter(({ about }) => kind !== 'gone' || about === undefined).map(({ text }) => text))];
    if (gone.length > 0) of.unshift(`${plural(gone.length, 'package')} (${few(gone, verbose)})`);
    if (of.length === 0) return [];
    if (of.length === 1) return [`${headings[kind]}: ${of[0] ?? ''}`];
    const shown = verbose ? of : of.slice(0, 10);
    const more = of.length - shown.length;
    return [
      `${headings[kind]}:`,
      ...shown.map((text) => `  ${text}`),
      ...(more > 0 ? [`  … and ${more} more: -v`] : []),
    ];
  });
}

/** `name:architecture` without what goes without saying. */
function nameOf(key: string): string {
  return key.replace(/:(amd64|arm64|all)$/, '');
}

function few(words: readonly string[], verbose: boolean): string {
  const most = verbose ? words.length : 6;
  const shown = words.slice(0, most).join(', ');
  return words.length > most ? `${shown} … and ${words.length - most} more: -v` : shown;
}
