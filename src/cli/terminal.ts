import { isatty } from 'node:tty';
import { styleText } from 'node:util';

import type { OnProgress, Progress } from '../model/index.ts';
import { writeAll } from '../sessions/streams.ts';
import { duration, size, count } from './render/numbers.ts';

/** Where we talk: answers to standard output, everything else to standard error. */
export interface Terminal {
  readonly width: number;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Whether a person can be asked. */
  readonly interactive: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
  /** The terminal's signals are a command's from now on: Ctrl-C is not for us. */
  handOver(): void;
  configure(set: { quiet: boolean; verbose: boolean; json: boolean }): void;
  /** A line of the answer. */
  answer(line: string): void;
  /** The answer as one JSON value. */
  value(value: unknown): void;
  /** A line of talk; silenced by `-q`. */
  say(line: string): void;
  /** A line that is never silenced. */
  error(line: string): void;
  ask(question: string): Promise<boolean>;
  close(): void;
}

const quietFor = 1000; // nothing is said of what takes less
const everyOnTerminal = 100;
const everyElsewhere = 5000;

/**
 * Opens our streams: progress on one rewritten line of a terminal, a plain line every few seconds elsewhere.
 *
 * Descriptors are written to as they are: `process.stdout` and its like make a pipe non-blocking, for every program
 * that shares it with us.
 */
export function openTerminal(): Terminal {
  const abort = new AbortController();
  const set = { quiet: false, verbose: false, json: false };
  const live = isatty(2);
  // a terminal that does not know its width says 0
  const columns = (fd: 1 | 2) => (isatty(fd) ? (fd === 1 ? process.stdout : process.stderr).columns || 80 : undefined);
  const begun = new Map<string, number>();
  let shown = 0;
  let drawn = false;

  const wipe = () => {
    if (drawn) writeAll(2, '\r\u001B[K');
    drawn = false;
  };
  const line = (text: string) => {
    wipe();
    writeAll(2, `${text}\n`);
  };
  /** `| head` has seen enough: that is no error. */
  const answerLine = (text: string) => {
    try {
      writeAll(1, `${text}\n`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
    }
  };
  const interrupt = () => {
    if (abort.signal.aborted) process.exit(130); // the second time: at once
    line('interrupted: tidying up (again to stop at once)');
    abort.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);

  return {
    width: columns(1) ?? 100,
    get json() {
      return set.json;
    },
    get quiet() {
      return set.quiet;
    },
    get verbose() {
      return set.verbose;
    },
    interactive: isatty(0) && live,
    signal: abort.signal,
    handOver() {
      process.off('SIGINT', interrupt);
      process.on('SIGINT', () => {});
    },
    configure(next) {
      Object.assign(set, next);
    },
    onProgress(progress) {
      if (set.quiet) return;
      const now = performance.now();
      if (!begun.has(progress.step)) begun.set(progress.step, now);
      if (progress.finished !== undefined) {
        line(finishedLine(progress, columns(2) ?? 100));
        for (const detail of progress.details ?? []) line(`${' '.repeat(10)}${detail}`);
        begun.delete(progress.step);
        return;
      }
      const since = now - (begun.get(progress.step) ?? now);
      if (since < quietFor || now - shown < (live ? everyOnTerminal : everyElsewhere)) return;
      shown = now;
      const text = runningLine(progress, since);
      if (!live) return line(text);
      writeAll(2, `\r\u001B[K${text.slice(0, (columns(2) ?? 80) - 1)}`);
      drawn = true;
    },
    answer(text) {
      wipe();
      answerLine(text);
    },
    value(value) {
      wipe();
      answerLine(JSON.stringify(value, undefined, 1));
    },
    say(text) {
      if (!set.quiet) line(text);
    },
    error(text) {
      wipe();
      const colour = live && (process.env['NO_COLOR'] ?? '') === '';
      const shown = colour
        ? text.replace(/^error:/, (word) => styleText('red', word, { validateStream: false }))
        : text;
      writeAll(2, `${shown}\n`);
    },
    async ask(question) {
      wipe();
      const { createInterface } = await import('node:readline/promises');
      const lines = createInterface({ input: process.stdin, output: process.stderr });
      const answer = await lines.question(`${question} [y/N] `, { signal: abort.signal }).catch(() => '');
      lines.close();
      return /^y(es)?$/i.test(answer.trim());
    },
    close() {
      wipe();
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
    },
  };
}

function finishedLine({ step, finished, milliseconds }: Progress, width: number): string {
  const text = `${step.padEnd(9)} ${finished ?? ''}`;
  if (milliseconds === undefined) return text;
  const time = duration(milliseconds);
  return `${text.padEnd(Math.min(width, 88) - time.length - 1)} ${time}`;
}

function runningLine({ step, what, done, total, unit }: Progress, since: number): string {
  const number = (value: number) => (unit === 'bytes' ? size(value) : count(value));
  const parts = [step.padEnd(9)];
  if (done !== undefined) parts.push(total === undefined ? number(done) : `${number(done)} of ${number(total)}`);
  if (unit !== undefined && unit !== 'bytes') parts.push(unit);
  if (done !== undefined && total !== undefined && done > 0 && done < total) {
    parts.push(`· ${duration((since / done) * (total - done))} left`);
  }
  if (what !== undefined) parts.push(done === undefined ? what : `· ${what}`);
  return parts.join(' ');
}
