import { constants } from 'node:os';

import { copyText } from './escapes.ts';

/** What becomes of whole lines. `text` is what follows the process id, complete: `openat(…) = 3</etc/passwd>`. */
export interface LineSink {
  call(pid: number, text: string): void;
  /** Thread `by` of process `pid` has become the program of its execve, whose line (less its end) is `text`. */
  superseded(pid: number, by: number, text: string): void;
  /** `status`: 128 + N when signal N ended it. */
  exited(pid: number, status: number): void;
}

/** Reads a log of `strace -f -o` in pieces, in memory that doesn't grow with the log. */
export interface LineReader {
  /** Takes the whole lines at the start of these bytes; returns how many bytes they are. */
  push(bytes: Buffer): number;
}

const unfinished = ' <unfinished ...>';
const signals: Readonly<Record<string, number>> = constants.signals;

/** A reader that puts calls together which strace had to print in two halves because another process came between. */
export function readLines(sink: LineSink): LineReader {
  const halves = new Map<number, string>();

  function take(text: string, start: number, end: number): void {
    let at = start;
    let pid = 0;
    for (let code = text.charCodeAt(at); code >= 48 && code <= 57; code = text.charCodeAt(++at))
      pid = pid * 10 + code - 48;
    while (text.charCodeAt(at) === 32) at += 1;
    if (pid === 0 || at >= end) return;
    const first = text.charCodeAt(at);
    if (first === 43) return event(pid, text.slice(at, end));
    if (first === 60) return resume(pid, text.slice(at, end));
    if (text.charCodeAt(end - 1) === 62) {
      if (text.startsWith(unfinished, end - unfinished.length)) {
        halves.set(pid, copyText(text.slice(at, end - unfinished.length)));
        return;
      }
      const angle = text.lastIndexOf('<', end);
      if (text.startsWith('<pid changed to ', angle)) {
        halves.set(pid, copyText(text.slice(at, angle - 1)));
        return;
      }
    }
    sink.call(pid, text.slice(at, end));
  }

  function resume(pid: number, text: string): void {
    const half = halves.get(pid);
    const after = text.indexOf(' resumed>');
    if (half === undefined || after < 0) return;
    halves.delete(pid);
    sink.call(pid, half + text.slice(after + 9));
  }

  function event(pid: number, text: string): void {
    const superseded = /^\+\+\+ superseded by execve in pid ([0-9]+) \+\+\+/.exec(text);
    if (superseded !== null) {
      const by = Number(superseded[1]);
      const half = halves.get(by);
      halves.delete(by);
      halves.delete(pid);
      if (half !== undefined) sink.superseded(pid, by, half);
      return;
    }
    const exited = /^\+\+\+ (?:exited with ([0-9]+)|killed by (\w+)(?: \(core dumped\))?) \+\+\+/.exec(text);
    if (exited === null) return;
    halves.delete(pid);
    sink.exited(pid, exited[1] === undefined ? 128 + signalNumber(exited[2] ?? '') : Number(exited[1]));
  }

  return {
    push(bytes) {
      const last = bytes.lastIndexOf(10);
      const text = bytes.toString('latin1', 0, last + 1);
      let start = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
        take(text, start, end);
        start = end + 1;
      }
      return last + 1;
    },
  };
}

/** strace names real-time signals by their distance from the kernel's first one. */
function signalNumber(name: string): number {
  return signals[name] ?? (name.startsWith('SIGRT_') ? 32 + Number(name.slice(6)) : 0);
}
