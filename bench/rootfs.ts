/**
 * A root of minbase, git and python3-numpy: mmdebstrap with its packages at hand, next to ours from the store (payloads
 * there, nothing unpacked or configured beforehand), in turn, on one filesystem; fingerprints are compared each time.
 */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { fingerprintOf } from '../src/flows/fingerprint.ts';
import { localRoot } from '../src/roots/local.ts';
import { layRoot } from '../src/toolkits/apt/lay/lay.ts';
import { payloadOf, type DebFile } from '../src/toolkits/apt/lay/payload.ts';
import { volatile } from '../src/toolkits/apt/read/packages.ts';
import { mirror, need, scratch } from '../test/e2e/need.ts';
import { mmdebstrap, oracle } from '../test/e2e/oracle.ts';

const rounds = 3;
const include = ['git', 'python3-numpy'];

await need('mmdebstrap');
const folder = scratch('bench-rootfs', 4 * 2 ** 30);
const { root, debs } = await oracle('bookworm', include, await mirror(), folder);
rmSync(root, { recursive: true });
const cache = join(folder, 'payloads');
mkdirSync(cache);
const repository = await makeRepository(debs);

const theirs: number[] = [];
const ours: number[] = [];
let entries = 0;
for (let round = 0; round < rounds; round++) {
  const a = join(folder, `mmdebstrap-${round}`);
  const b = join(folder, `repronim-${round}`);
  theirs.push(
    await timed(() =>
      mmdebstrap('', ['apt', ...debs.map(({ name }) => name)], [`deb [trusted=yes] copy:${repository} ./`], a),
    ),
  );
  ours.push(
    await timed(() =>
      layRoot(debs, b, {
        merged: true,
        architectures: ['amd64'],
        holds: [],
        cache,
        trusted: false,
        signal: new AbortController().signal,
        onProgress: () => {},
      }),
    ),
  );
  const [left, right] = [
    await fingerprintOf(localRoot(a), { volatile }),
    await fingerprintOf(localRoot(b), { volatile }),
  ];
  assert.deepEqual(right, left, 'the two roots are not the same');
  entries = left.entries;
  rmSync(a, { recursive: true });
  rmSync(b, { recursive: true });
}

const result = {
  packages: debs.length,
  entries,
  rounds,
  mmdebstrap_s: median(theirs),
  repronim_s: median(ours),
  ratio: Math.round((median(ours) / median(theirs)) * 1000) / 1000,
  equal: true,
};
process.stdout.write(
  process.argv.includes('--json')
    ? `${JSON.stringify(result)}\n`
    : [
        `a root of ${result.packages} packages, ${result.entries} entries, medians of ${rounds} (${folder.startsWith('/dev/shm') ? 'memory' : 'disk'})`,
        `mmdebstrap   ${result.mmdebstrap_s.toFixed(2)} s`,
        `repronim     ${result.repronim_s.toFixed(2)} s`,
        `ratio        ${result.ratio}; fingerprints equal in every round`,
        '',
      ].join('\n'),
);

/** A flat repository of exactly these packages. */
async function makeRepository(packages: readonly DebFile[]): Promise<string> {
  const place = join(folder, 'repository');
  mkdirSync(place);
  const stanzas: string[] = [];
  for (const deb of packages) {
    const { control } = await payloadOf(deb, cache);
    const fields =
      control
        .find(({ name }) => name === 'control')
        ?.content.toString('utf8')
        .trim() ?? '';
    const name = basename(deb.file).replaceAll('%3a', '.');
    symlinkSync(deb.file, join(place, name));
    stanzas.push(`${fields}\nFilename: ./${name}\nSize: ${statSync(deb.file).size}\nSHA256: ${deb.sha256}\n`);
  }
  writeFileSync(join(place, 'Packages'), stanzas.join('\n'));
  return place;
}

async function timed(what: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await what();
  return (performance.now() - started) / 1000;
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.floor(sorted.length / 2)] ?? 0) * 1000) / 1000;
}
