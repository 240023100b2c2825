/**
 * How long the command line takes to begin: `repronim --help` beside a bare `node -e 0`, the published bundle and the
 * launcher of a checkout; and `exec` of nothing beside `--version`, in an instance that is stopped and in one that is
 * kept.
 *
 * node bench/start.ts [--json] [--rounds N]; `npm run build` first.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '21' } },
});
const top = resolve(import.meta.dirname, '..');
const bundle = join(top, 'dist/cli.js');
if (!existsSync(bundle)) throw new Error('dist/cli.js is not there: npm run build');
const home = mkdtempSync(join(tmpdir(), 'repronim-bench-'));
const env = { ...process.env, REPRONIM_HOME: home };
const cli = (...words: readonly string[]): readonly [string, ...string[]] => [process.execPath, bundle, ...words];

try {
  prepare();
  const rows = measure({
    'node -e 0': [process.execPath, '-e', '0'],
    'repronim --help': cli('--help'),
    'repronim --version': cli('--version'),
    'repronim exec, stopped instance': cli('exec', 'stopped', '--', 'true'),
    'repronim exec, kept instance': cli('exec', 'kept', '--', 'true'),
    'repronim trace --help': cli('trace', '--help'),
    './repronim --help (checkout)': [join(top, 'repronim'), '--help'],
  });
  const of = (what: string) => rows.find((row) => row.what === what)?.milliseconds ?? Number.NaN;
  const result = {
    rounds: Number(values.rounds),
    rows,
    helpBeyondNode: of('repronim --help') - of('node -e 0'),
    execBeyondVersion: of('repronim exec, stopped instance') - of('repronim --version'),
    keptExecBeyondVersion: of('repronim exec, kept instance') - of('repronim --version'),
  };
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    for (const { what, milliseconds } of rows)
      process.stdout.write(`${what.padEnd(34)} ${milliseconds.toFixed(1)} ms\n`);
    process.stdout.write(
      `--help beyond node                 ${result.helpBeyondNode.toFixed(1)} ms (goal: at most 30)\n`,
    );
    process.stdout.write(
      `exec beyond --version              ${result.execBeyondVersion.toFixed(1)} ms (goal: at most 30)\n`,
    );
  }
} finally {
  for (const name of ['stopped', 'kept']) spawnSync(...split(cli('delete', '--yes', name)), { env, stdio: 'ignore' });
  rmSync(home, { recursive: true, force: true });
}

/** Two instances of what `true` runs on here. */
function prepare(): void {
  const spec = join(home, 'true.yaml');
  must(cli('trace', '-q', '-o', spec, '--', 'true'));
  for (const name of ['stopped', 'kept']) must(cli('create', '-q', name, spec));
  must(cli('start', '-q', 'kept'));
}

function must(command: readonly [string, ...string[]]): void {
  const { status, stderr } = spawnSync(...split(command), { env, stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(`${command.slice(2).join(' ')} ended with ${status}: ${stderr.toString()}`);
}

function split([program, ...args]: readonly [string, ...string[]]): [string, string[]] {
  return [program, args];
}

function measure(commands: Readonly<Record<string, readonly [string, ...string[]]>>) {
  const times: Record<string, number[]> = {};
  for (let round = 0; round <= Number(values.rounds); round += 1) {
    for (const [name, command] of Object.entries(commands)) {
      const started = performance.now();
      spawnSync(...split(command), { env, stdio: 'ignore' });
      // the first round fills caches
      if (round > 0) (times[name] ??= []).push(performance.now() - started);
    }
  }
  return Object.entries(times).map(([what, list]) => ({
    what,
    milliseconds: list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN,
  }));
}
