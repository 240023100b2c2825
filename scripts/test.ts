/**
 * Runs the tests: `quick` (unit, contract, architecture), `e2e` (the real backends), or files;
 * behind `quick` and `e2e`, parts of the names of those that are wanted. Ends with one line.
 */
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { relative, resolve } from 'node:path';
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

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

const counts = await runAll(files);
// A daemon of this machine may be slow once; what fails twice is broken. Both runs are shown.
const again = kind === 'e2e' ? files.filter((file) => (counts.get(file)?.failed ?? 0) > 0) : [];
if (again.length > 0) {
  for (const file of again) process.stdout.write(`failed, and tried again: ${relative(top, file)}\n`);
  for (const [file, count] of await runAll(again)) counts.set(file, count);
}
const of = (key: keyof Count) => [...counts.values()].reduce((sum, count) => sum + count[key], 0);
process.stdout.write(`${of('passed')} passed, ${of('failed')} failed, ${of('skipped')} skipped\n`);
process.exitCode = of('failed') > 0 || of('passed') === 0 ? 1 : 0;

/** Runs files and shows what comes of it; counts by file. */
async function runAll(chosen: readonly string[]): Promise<Map<string, Count>> {
  const found = new Map<string, Count>(chosen.map((file) => [file, { passed: 0, failed: 0, skipped: 0 }]));
  const reasons: string[] = [];
  const add = (file: string | undefined, name: string, key: keyof Count) => {
    // where a file itself fails, its name is the test's
    const count = found.get(file ?? name) ?? found.get(name) ?? [...found.values()][0];
    if (count !== undefined) count[key] += 1;
  };
  // a test ends at its time limit, but not what it left running
  const stuck = new AbortController();
  const watchdog = setTimeout(() => stuck.abort(new Error('nothing has ended for too long')), timeout + 60_000);
  const events = run({
    files: [...chosen],
    // daemons, mounts and whole roots: one file at a time
    concurrency: kind === 'e2e' ? 1 : availableParallelism(),
    timeout,
    signal: stuck.signal,
  });
  events.on('test:complete', () => watchdog.refresh());
  events.on('test:pass', ({ name, file, skip, details }) => {
    if (skip !== undefined && skip !== false) {
      add(file, name, 'skipped');
      reasons.push(`skipped: ${name}: ${skip === true || skip === '' ? 'no reason given' : skip}`);
    } else if (details.type !== 'suite' && !files.includes(name)) add(file, name, 'passed');
  });
  events.on('test:fail', ({ name, file, todo, details }) => {
    // what failed below it has been counted; a file counts where it could not be loaded, or broke off
    const { failureType } = details.error as { failureType?: string };
    if (todo === undefined && failureType !== 'subtestsFailed') add(file, name, 'failed');
  });
  const report = events.compose(new spec());
  report.pipe(process.stdout, { end: false });
  await new Promise((resolve) => report.once('end', resolve));
  clearTimeout(watchdog);
  for (const reason of reasons) process.stdout.write(`${reason}\n`);
  return found;
}
