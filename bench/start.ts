/**
 * How long `repronim --help` takes beside a bare `node -e 0`: the published bundle, and the launcher of a checkout.
 *
 * node bench/start.ts [--json] [--rounds N]; `npm run build` first.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '21' } },
});
const top = resolve(import.meta.dirname, '..');
const bundle = join(top, 'dist/cli.js');
if (!existsSync(bundle)) throw new Error('dist/cli.js is not there: npm run build');

const commands: Readonly<Record<string, readonly [string, ...string[]]>> = {
  'node -e 0': [process.execPath, '-e', '0'],
  'repronim --help (bundle)': [process.execPath, bundle, '--help'],
  'repronim --version (bundle)': [process.execPath, bundle, '--version'],
  'repronim trace --help (bundle)': [process.execPath, bundle, 'trace', '--help'],
  './repronim --help (checkout)': [join(top, 'repronim'), '--help'],
};

const times: Record<string, number[]> = {};
for (let round = 0; round <= Number(values.rounds); round += 1) {
  for (const [name, [program, ...args]] of Object.entries(commands)) {
    const started = performance.now();
    spawnSync(program, args, { stdio: 'ignore' });
    // the first round fills caches
    if (round > 0) (times[name] ??= []).push(performance.now() - started);
  }
}
const median = (list: readonly number[]) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;
const bare = median(times['node -e 0'] ?? []);
const rows = Object.entries(times).map(([what, list]) => ({
  what,
  milliseconds: Math.round(median(list) * 10) / 10,
  beyondNode: Math.round((median(list) - bare) * 10) / 10,
}));
if (values.json) process.stdout.write(`${JSON.stringify({ rows })}\n`);
else console.table(rows);
