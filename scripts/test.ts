/**
 * Runs the tests: `quick` (unit, contract, architecture), `e2e` (the real backends), or files;
 * behind `quick` and `e2e`, parts of the names of those that are wanted. Ends with one line.
 */
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const top = resolve(import.meta.dirname, '..');
const [kind = 'quick', ...named] = process.argv.slice(2);
const patterns: Readonly<Record<string, readonly string[]>> = {
  quick: ['src/**/*.test.ts', 'test/*.test.ts', 'examples/**/*.test.ts'],
  e2e: ['test/e2e/**/*.test.ts'],
};
const files = globSync(patterns[kind] ?? [kind, ...named], { cwd: top })
  .filter((file) => patterns[kind] === undefined || named.length === 0 || named.some((name) => file.includes(name)))
  .map((file) => resolve(top, file))
  .toSorted();
const timeout = kind === 'e2e' ? 900_000 : 120_000;
const count = { passed: 0, failed: 0, skipped: 0 };
const reasons: string[] = [];
// a test ends at its time limit, but not what it left running
const stuck = new AbortController();
const watchdog = setTimeout(() => stuck.abort(new Error('nothing has ended for too long')), timeout + 60_000);

const events = run({
  files,
  // daemons, mounts and whole roots: one file at a time
  concurrency: kind === 'e2e' ? 1 : availableParallelism(),
  timeout,
  signal: stuck.signal,
});
events.on('test:complete', () => watchdog.refresh());
events.on('test:pass', ({ name, skip, details }) => {
  if (skip !== undefined && skip !== false) {
    count.skipped += 1;
    reasons.push(`skipped: ${name}: ${skip === true || skip === '' ? 'no reason given' : skip}`);
  } else if (details.type !== 'suite' && !files.includes(name)) count.passed += 1;
});
events.on('test:fail', ({ todo, details }) => {
  // what failed below it has been counted; a file counts where it could not be loaded, or broke off
  const { failureType } = details.error as { failureType?: string };
  if (todo === undefined && failureType !== 'subtestsFailed') count.failed += 1;
});

const report = events.compose(new spec());
report.pipe(process.stdout, { end: false });
report.once('end', () => {
  clearTimeout(watchdog);
  for (const reason of reasons) process.stdout.write(`${reason}\n`);
  process.stdout.write(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
  process.exitCode = count.failed > 0 || count.passed === 0 ? 1 : 0;
});
