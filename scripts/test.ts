/**
 * Runs the tests: `quick` (unit, contract, architecture), `e2e` (the real backends), or files;
 * behind `quick` and `e2e`, parts of the names of those that are wanted. Ends with one line.
 *
 * TEST_MINUTES=N: no file of e2e is begun later than that; those that were not are skipped, and named.
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
const timeout = kind === 'e2e' ? 600_000 : 120_000;
const began = performance.now();
const minutes = Number(process.env['TEST_MINUTES'] ?? Infinity);

/** What takes longest begins first, so that nothing long is left for the end; then what nothing else can stand for. */
// prettier-ignore
const first = [
  'demo', 'faults', 'commands', 'everything', 'docker', 'podman', 'apptainer', 'schroot', 'ssh', 'chroot', 'same-everywhere',
  'lay', 'rpm', 'conda', 'venv', 'npm', 'vcs', 'places', 'commit', 'change', 'round-trips', 'verify', 'overlay',
];

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

const counts = kind === 'quick' ? await runAll(files, availableParallelism(), show) : await inLanes(files);
const of = (key: keyof Count) => [...counts.values()].reduce((sum, count) => sum + count[key], 0);
show(`${of('passed')} passed, ${of('failed')} failed, ${of('skipped')} skipped\n`);
process.exitCode = of('failed') > 0 || of('passed') === 0 ? 1 : 0;

function show(text: string): void {
  process.stdout.write(text);
}

/**
 * Daemons, mounts and whole roots: as many files at a time as there are processors, each in a process of its own, each
 * shown when it has ended.
 */
async function inLanes(all: readonly string[]): Promise<Map<string, Count>> {
  const counted = new Map<string, Count>();
  const rank = (file: string) => {
    const at = first.indexOf(/([\w-]+)\.test\.ts$/.exec(file)?.[1] ?? '');
    return at < 0 ? first.length : at;
  };
  const waiting = all.toSorted((a, b) => rank(a) - rank(b));
  const lane = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) await one(file, counted);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
  // A daemon of this machine may be slow once; what fails twice is broken. Both runs are shown.
  for (const file of all.filter((each) => (counted.get(each)?.failed ?? 0) > 0)) {
    show(`failed, and tried again: ${relative(top, file)}\n`);
    await one(file, counted, minutes + 1);
  }
  return counted;
}

async function one(file: string, counted: Map<string, Count>, until = minutes): Promise<void> {
  const name = relative(top, file);
  if (performance.now() - began > until * 60_000) {
    show(`skipped: ${name}: not begun within ${until} minutes (TEST_MINUTES)\n`);
    if (!counted.has(file)) counted.set(file, { passed: 0, failed: 0, skipped: 1 });
    return;
  }
  const started = performance.now();
  let text = '';
  for (const [key, count] of await runAll([file], 1, (more) => (text += more))) counted.set(key, count);
  show(`${text}${name}: ${((performance.now() - started) / 1000).toFixed(0)} s\n`);
}

/** Runs files and shows what comes of it; counts by file. */
async function runAll(
  chosen: readonly string[],
  concurrency: number,
  tell: (text: string) => void,
): Promise<Map<string, Count>> {
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
  const events = run({ files: [...chosen], concurrency, timeout, signal: stuck.signal });
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
  for await (const piece of events.compose(new spec())) tell(String(piece));
  clearTimeout(watchdog);
  for (const reason of reasons) tell(`${reason}\n`);
  return found;
}
