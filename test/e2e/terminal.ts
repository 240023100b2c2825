import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

import { displayArgv } from '../../src/sessions/process.ts';
import { said, type Person } from './person.ts';

/** A command line on a terminal of its own: what is typed and what is shown. */
export interface OnTerminal extends AsyncDisposable {
  /** Waits until this is shown after what was waited for last. */
  shows(pattern: RegExp): Promise<void>;
  types(text: string): void;
  /** Waits for the end; all that was shown. */
  end(): Promise<{ readonly status: number; readonly shown: string }>;
}

/** Starts repronim on a pseudo-terminal, by script(1) of bsdutils, which is essential. */
export function onTerminal(person: Person, words: readonly string[], directory: string): OnTerminal {
  // exec: a shell in between would make something of Ctrl-C itself
  const line = `exec ${displayArgv([...person.as, ...person.program, ...words])}`;
  const child = spawn('script', ['-q', '-e', '-c', line, '/dev/null'], {
    cwd: directory,
    env: { ...person.env, TERM: 'dumb', SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = said(child);
  let shown = '';
  let at = 0;
  let over = false;
  child.stdout.on('data', (text: string) => (shown += text));
  child.once('close', () => (over = true));
  return {
    async shows(pattern) {
      for (const since = performance.now(); ; await sleep(20)) {
        const found = pattern.exec(shown.slice(at));
        if (found !== null) {
          at += found.index + found[0].length;
          return;
        }
        if (over || performance.now() - since > 60_000) throw new Error(`${pattern} was not shown: ${shown}`);
      }
    },
    types(text) {
      child.stdin.write(text);
    },
    async end() {
      const { status } = await ended;
      return { status, shown };
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
