/** Broken and hostile databases: no parser crashes on one, hangs, or gives a path out of its root. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import type { Failure, Said, Wanted } from '../fuzz/worker.ts';
import { need, scratch } from './need.ts';

/** At least so many; REPRONIM_FUZZ_INPUTS and REPRONIM_FUZZ_SEED say others. */
const inputs = Number(process.env['REPRONIM_FUZZ_INPUTS'] ?? 12_000);
const hangMs = 60_000;

test('every parser takes ten thousand broken inputs together', async (t) => {
  await need('git');
  const seed = Number(process.env['REPRONIM_FUZZ_SEED'] ?? randomInt(2 ** 31));
  t.diagnostic(`seed ${seed}`);
  const progress = new Int32Array(new SharedArrayBuffer(8));
  const wanted: Wanted = { seed, inputs, folder: process.env['REPRONIM_FUZZ_FOLDER'] ?? scratch('fuzz'), progress };
  const worker = new Worker(new URL('../fuzz/worker.ts', import.meta.url), {
    workerData: wanted,
    // as much stack as a program has that is no worker
    resourceLimits: { stackSizeMb: 1 },
  });
  const failures: Failure[] = [];
  let parsers: readonly string[] = [];
  let done: Extract<Said, { done: number }> | undefined;
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  worker.on('message', (said: Said) => {
    if ('parsers' in said) ({ parsers } = said);
    else if ('failure' in said) failures.push(said.failure);
    else done = said;
  });
  worker.once('error', reject);
  worker.once('exit', () => resolve());
  const watching = new AbortController();
  const hung = watch(progress, watching.signal);
  try {
    const at = await Promise.race([ended, hung]);
    if (typeof at === 'string') {
      failures.push({ parser: parsers[progress[0] ?? 0] ?? '', input: `round ${progress[1]}`, because: at });
    }
  } finally {
    watching.abort();
    await worker.terminate();
  }
  const lines = failures.map(({ parser, input, because }) => `${parser} (${input}): ${because}`);
  assert.deepEqual(lines, [], `seed ${seed}`);
  assert.ok((done?.done ?? 0) >= Math.min(inputs, 10_000), `only ${done?.done}`);
  t.diagnostic(
    `${done?.done} inputs for ${parsers.length} parsers; ${done?.slowest.map(([name, ms]) => `${name} ${ms} ms`).join(', ')}`,
  );
});

/** Resolves when nothing has moved for too long. */
async function watch(progress: Int32Array, signal: AbortSignal): Promise<string | undefined> {
  let last = '';
  let since = performance.now();
  while (!signal.aborted) {
    await sleep(250, undefined, { signal, ref: false }).catch(() => {});
    const now = `${Atomics.load(progress, 0)}/${Atomics.load(progress, 1)}`;
    if (now !== last) since = performance.now();
    last = now;
    if (performance.now() - since > hangMs) return 'it hangs';
  }
  return undefined;
}
