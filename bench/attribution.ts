/** Whose are all files of this machine below /usr and /etc: us, next to `dpkg-query -S` in batches, in one run. */
import { readdirSync, realpathSync } from 'node:fs';

import { localRoot } from '../src/roots/local.ts';
import { runProcess } from '../src/sessions/process.ts';
import { claim } from '../src/toolkits/apt/read/claim.ts';
import { readAttribution } from '../src/toolkits/apt/read/attribution.ts';

const paths = [...filesBelow('/usr'), ...filesBelow('/etc')].slice(0, 200_000);
const runs = 5;
const index: number[] = [];
const query: number[] = [];
let entries = 0;
let owned = 0;
for (let run = 0; run < runs; run++) {
  const root = localRoot('/'); // a new root has no index yet
  const started = performance.now();
  const attribution = await readAttribution(root);
  const indexed = performance.now();
  const owners = await claim(paths, root);
  query.push(performance.now() - indexed);
  index.push(indexed - started);
  owned = owners.size;
  entries = attribution.database.packages.reduce((sum, { key }) => sum + attribution.entriesOf(key).length, 0);
}
const dpkg = await dpkgQuery(paths);
const ours = median(index) + median(query);
const result = {
  files: paths.length,
  entries,
  index_ms: round(median(index)),
  index_ms_per_100k_entries: round((median(index) * 100_000) / entries),
  query_ms: round(median(query)),
  query_files_per_s: Math.round((paths.length * 1000) / median(query)),
  total_ms_per_100k_files: round((ours * 100_000) / paths.length),
  owned,
  dpkg_query_ms: round(dpkg.ms),
  dpkg_query_owned: dpkg.owned,
  faster: round(dpkg.ms / ours),
};

if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(result)}\n`);
else {
  process.stdout.write(
    [
      `${result.files} files, ${result.entries} entries in dpkg's lists, medians of ${runs}`,
      `              ms   files/s      files with an owner`,
      `index      ${pad(result.index_ms)}              (${result.index_ms_per_100k_entries} ms per 100,000 entries)`,
      `query      ${pad(result.query_ms)}  ${pad(result.query_files_per_s)}   ${result.owned}`,
      `dpkg-query ${pad(result.dpkg_query_ms)}  ${pad(Math.round((paths.length * 1000) / dpkg.ms))}   ${result.dpkg_query_owned}`,
      `100,000 files in all: ${result.total_ms_per_100k_files} ms; ${result.faster} times as fast as dpkg-query -S in batches of 5,000`,
      '',
    ].join('\n'),
  );
}

/** What a careful script does: resolved names, 5,000 at a time. */
async function dpkgQuery(files: readonly string[]): Promise<{ ms: number; owned: number }> {
  const started = performance.now();
  let found = 0;
  for (let at = 0; at < files.length; at += 5000) {
    const batch = files.slice(at, at + 5000).map((path) => path.replaceAll(/[*?[\]\\]/g, '\\$&'));
    const { stdout } = await runProcess(['dpkg-query', '-S', '--', ...batch], { accept: 'any' });
    found += stdout.toString('utf8').split('\n').length - 1;
  }
  return { ms: performance.now() - started, owned: found };
}

function filesBelow(folder: string): string[] {
  const found: string[] = [];
  const walk = (path: string) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const child = `${path}/${entry.name}`;
      if (entry.isDirectory()) walk(child);
      else if (entry.isFile() || entry.isSymbolicLink()) found.push(child);
    }
  };
  walk(realpathSync(folder));
  return found;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function pad(value: number): string {
  return value.toLocaleString('en').padStart(9);
}
