import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { contexts } from '../../test/fakes/contexts.ts';
import { serve } from '../../test/fakes/serve.ts';
import type { Source, Store, Wanted } from '../contract/index.ts';
import { sha256 } from '../model/index.ts';
import { fetchAll } from './fetch.ts';
import { snapshotSources } from './snapshot.ts';

const content = Buffer.alloc(300_000, 'some bytes ');

async function place(
  t: TestContext,
  answer?: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>,
) {
  const { folder, store, creating } = contexts(t);
  const served = await serve(folder, answer);
  t.after(async () => await served[Symbol.asyncDispose]());
  mkdirSync(join(folder, 'pool'));
  const put = (name: string, bytes: Buffer) => writeFileSync(join(folder, 'pool', name), bytes);
  const source = (name: string, kind = 'pool'): Source => ({
    kind,
    label: name,
    url: `${served.url}/pool/${name}`,
  });
  const get = (...wanted: Wanted[]) => fetchAll(wanted, { ...creating, store, patience: 1000 });
  const getInto = (other: Store, ...wanted: Wanted[]) => fetchAll(wanted, { ...creating, store: other });
  return { folder, store, work: creating.work, served, put, source, get, getInto };
}

function wanted(what: string, bytes: Buffer, sources: readonly Source[]): Wanted {
  async function* all() {
    yield* sources;
  }
  return { what, sha256: sha256(bytes), size: bytes.length, sources: all };
}

test('from the first place that has it; other content is refused and named', async (t) => {
  const { store, put, source, get } = await place(t);
  put('longer', Buffer.concat([content, content]));
  put('other', Buffer.from(content).fill('x', 5, 6));
  put('right', content);
  const names = ['none', 'longer', 'other', 'right'];
  const answer = await get(
    wanted(
      'it',
      content,
      names.map((name) => source(name)),
    ),
  );
  assert.deepEqual(answer.from, { pool: 1 });
  assert.deepEqual(
    answer.refused.map(({ what, label }) => [what, label]),
    [
      ['it', 'longer'],
      ['it', 'other'],
    ],
  );
  assert.deepEqual(readFileSync((await store.find(sha256(content))) ?? ''), content);
  const again = await get(wanted('it', content, []));
  assert.deepEqual(again.from, { stored: 1 });
});

test('a byte that flipped in the store: refused, and had again', async (t) => {
  const { store, put, source, get } = await place(t);
  put('right', content);
  await store.add(content);
  writeFileSync((await store.find(sha256(content))) ?? '', Buffer.from(content).fill('x', 5, 6));
  const answer = await get(wanted('it', content, [source('right')]));
  assert.deepEqual(answer.from, { pool: 1 });
  assert.deepEqual(
    answer.refused.map(({ label }) => label),
    ['the store'],
  );
  assert.deepEqual(readFileSync((await store.find(sha256(content))) ?? ''), content);
});

test('what nobody has is listed with every place that was tried', async (t) => {
  const { folder, source, get } = await place(t);
  const file: Source = { kind: 'apt', label: "apt's cache", file: join(folder, 'nothing') };
  const answer = await get(wanted('b', content, [file, source('none')]), wanted('a', Buffer.from('a'), []));
  assert.deepEqual(answer.missing, [
    { what: 'a', sha256: sha256('a'), tried: [] },
    {
      what: 'b',
      sha256: sha256(content),
      tried: [
        { label: "apt's cache", because: 'not there' },
        { label: 'none', because: '404 Not Found' },
      ],
    },
  ]);
});

test('a line that breaks is taken up where it broke', async (t) => {
  let breaks = 2;
  const { put, source, get, served } = await place(t, (request, response) => {
    if (breaks === 0) return false;
    breaks -= 1;
    const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
    const range = from === 0 ? {} : { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(from === 0 ? 200 : 206, { 'content-length': content.length - from, ...range });
    response.write(content.subarray(from, from + 100_000), () => setTimeout(() => response.destroy(), 20));
    return true;
  });
  put('right', content);
  const answer = await get(wanted('it', content, [source('right')]));
  assert.deepEqual([answer.from, answer.refused], [{ pool: 1 }, []]);
  assert.equal(served.requests.length, 3);
});

test('a line that stands still is broken, and what gives no rest is begun again', async (t) => {
  let tries = 0;
  const { put, source, get } = await place(t, (_, response) => {
    tries += 1;
    if (tries > 2) return false;
    // the second one does not know what a range is
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, 100_000 * tries));
    return true;
  });
  put('right', content);
  const answer = await get(wanted('it', content, [source('right')]));
  assert.deepEqual([answer.from, answer.refused, tries], [{ pool: 1 }, [], 3]);
});

test('a full disk is said at once, and nothing half is left', async (t) => {
  const { work, put, source, getInto, store } = await place(t);
  const full = { ...store, addFile: async () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })) };
  const all = Array.from({ length: 20 }, (_, index) => Buffer.from(`content ${index}`));
  for (const [index, bytes] of all.entries()) put(String(index), bytes);
  const wants = all.map((bytes, index) => wanted(String(index), bytes, [source(String(index))]));
  await assert.rejects(getInto(full, ...wants), { code: 'ENOSPC' });
  assert.deepEqual(readdirSync(work), []);
});

test('a busy server is asked again when it says', async (t) => {
  const times: number[] = [];
  const { put, source, get } = await place(t, (_, response) => {
    times.push(performance.now());
    if (times.length === 1) response.writeHead(429, { 'retry-after': '1' }).end();
    return times.length === 1;
  });
  put('right', content);
  const answer = await get(wanted('it', content, [source('right')]));
  assert.deepEqual(answer.from, { pool: 1 });
  assert.ok((times[1] ?? 0) - (times[0] ?? 0) >= 990, times.join());
});

test('a snapshot service is asked for two things at a time, others for more', async (t) => {
  const all = Array.from({ length: 12 }, (_, index) => Buffer.from(`content ${index}`));
  for (const [kind, expected] of [
    ['snapshot', 2],
    ['pool', 4],
  ] as const) {
    const { put, source, get, served } = await place(t, async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return false;
    });
    for (const [index, bytes] of all.entries()) put(String(index), bytes);
    const answer = await get(...all.map((bytes, index) => wanted(String(index), bytes, [source(String(index), kind)])));
    assert.deepEqual(answer.from, { [kind]: 12 });
    assert.equal(served.most(), expected);
  }
});

test('a snapshot service that does not answer is not asked for each package', async (t) => {
  const { creating } = contexts(t);
  const service = { setting: 'none', kind: 'files', base: 'http://nothing.invalid' } as const;
  const started = performance.now();
  const labels: string[] = [];
  for (const name of ['a', 'b', 'c', 'd']) {
    for await (const { label, url } of snapshotSources(
      service,
      { name, version: '1', architecture: 'all' },
      creating,
    )) {
      labels.push(label);
      assert.equal(url, undefined);
    }
  }
  assert.equal(labels.length, 4);
  assert.ok(labels.every((label) => label.startsWith('http://nothing.invalid (')));
  assert.ok(performance.now() - started < 3000);
});
