/** Runs the tests: `quick` (unit, contract, architecture), `e2e` (the real backends), or files. Ends with one line. */
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const top = resolve(import.meta.dirname, '..');
const [kind = 'quick', ...named] = process.argv.slice(2);
const patterns =
  kind === 'e2e' ? ['test/e2e/**/*.test.ts'] : ['src/**/*.test.ts', 'test/*.test.ts', 'examples/**/*.test.ts'];
const found = kind === 'quick' || kind === 'e2e' ? globSync(patterns, { cwd: top }).sort() : [kind];
const files = [...found, ...named].filter((file) => named.length === 0 || named.some((name) => file.includes(name)));

const count = { passed: 0, failed: 0, skipped: 0 };
const reasons: string[] = [];
const stream = run({
  files: files.map((file) => resolve(top, file)),
  // daemons, mounts and whole roots: one file at a time
  concurrency: kind === 'e2e' ? 1 : availableParallelism(),
  timeout: kind === 'e2e' ? 900_000 : 120_000,
});
const isTest = (data: { details: { type?: string | undefined }; nesting: number; name: string }) =>
  data.details.type !== 'suite' && !files.some((file) => resolve(top, file) === data.name);
stream.on('test:pass', (data) => {
  if (!isTest(data)) return;
  if (data.skip === undefined || data.skip === false) count.passed += 1;
  else {
    count.skipped += 1;
    reasons.push(`skipped: ${data.name}: ${data.skip === true ? 'no reason given' : data.skip}`);
  }
});
stream.on('test:fail', (data) => {
  if (isTest(data)) count.failed += 1;
});
stream.compose(new spec()).pipe(process.stdout);
stream.once('end', () => {
  setImmediate(() => {
    for (const reason of reasons) process.stdout.write(`${reason}\n`);
    process.stdout.write(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
    process.exitCode = count.failed > 0 || count.passed === 0 ? 1 : 0;
  });
});
