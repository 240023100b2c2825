import { posix } from 'node:path';

import type { Ran } from '../../contract/index.ts';
import { commandLines, type CommandLine } from './options.ts';

/** One image that a command used. */
export interface Use {
  readonly engine: string;
  /** The engine's program. */
  readonly program: string;
  /** As it was named: `debian:bookworm`, `./x.sif`; of a container, its name. */
  readonly reference: string;
  readonly of: 'image' | 'container';
  /** What stood before the verb: which daemon is meant. */
  readonly globals: readonly string[];
}

/** The images that programs of a run used, each once, in the order of their use. */
export function usesOf({ programs }: Pick<Ran, 'programs'>): readonly Use[] {
  const found = new Map<string, Use>();
  for (const { file, argv } of programs) {
    const use = parseUse(file, argv);
    if (use !== undefined) found.set(JSON.stringify([use.engine, use.of, use.reference]), use);
  }
  return [...found.values()].slice(0, 100);
}

/** What one program's arguments say of an image; undefined where they are about something else. */
export function parseUse(file: string, argv: readonly string[]): Use | undefined {
  const line = commandLines.get(posix.basename(argv[0] ?? '')) ?? commandLines.get(posix.basename(file));
  if (line === undefined || argv.length > 10_000) return undefined;
  let at = 1;
  if (line.runs[0] !== '') at = pastOptions(argv, at, (name) => line.globals.has(name));
  const globals = argv.slice(1, at);
  for (const kind of ['image', 'container'] as const) {
    for (const verb of kind === 'image' ? line.runs : line.enters) {
      const parts = verb === '' ? [] : verb.split(' ');
      if (!parts.every((part, index) => argv[at + index] === part)) continue;
      const place = pastOptions(argv, at + parts.length, (name) => takesValue(line, name));
      const reference = argv[place];
      if (reference === undefined || !isReference(reference)) return undefined;
      return { engine: line.engine, program: file, reference, of: kind, globals };
    }
  }
  return undefined;
}

/** Where the first word stands that is neither an option nor the value of one. */
function pastOptions(argv: readonly string[], start: number, takes: (name: string) => boolean): number {
  let at = start;
  for (; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    if (word === '--') return at + 1;
    if (!word.startsWith('-') || word === '-') return at;
    if (word.startsWith('--')) {
      if (!word.includes('=') && takes(word)) at += 1;
    } else if (lastTakes(word, takes)) at += 1;
  }
  return at;
}

/** Whether the value of a cluster of short options (`-itv`) is the next word: none before its last takes one. */
function lastTakes(word: string, takes: (name: string) => boolean): boolean {
  for (let index = 1; index < word.length; index += 1) {
    if (takes(`-${word.charAt(index)}`)) return index === word.length - 1;
  }
  return false;
}

function takesValue({ options }: CommandLine, name: string): boolean {
  return 'valued' in options ? options.valued.has(name) : !options.flags.has(name);
}

function isReference(word: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return word !== '' && word.length < 4096 && !/[\0-\x1f\x7f]/.test(word) && !word.startsWith('instance://');
}
