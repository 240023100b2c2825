import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { fetchAll } from '../../../archives/fetch.ts';
import { openStore } from '../../../archives/store.ts';
import type { CreateContext, Source } from '../../../contract/index.ts';
import { sha256 } from '../../../model/index.ts';
import { testDeb } from '../../../../test/fakes/deb.ts';
import { parseSums } from '../read/sums.ts';
import type { AptLock, AptPackage, AptSpec } from '../spec.ts';
import { foundAs } from './recognise.ts';
import { wanted } from './wanted.ts';

const spec: AptSpec = { type: 'debian', release: 'bookworm' };

/** A snapshot service with one binary of two architectures, and a pool that has nothing. */
async function archive(t: TestContext, deb: Buffer, asked: string[] = []) {
  const answer: RequestListener = (request, response) => {
    const url = decodeURIComponent(request.url ?? '');
    asked.push(url);
    if (url.startsWith('/mr/binary/hello/1:2+b1/binfiles')) {
      const file = (hash: string, architecture: string) => ({ hash: hash.repeat(40), architecture });
      response.end(JSON.stringify({ result: [file('a', 'arm64'), file('b', 'amd64')] }));
    } else if (url === `/file/${'b'.repeat(40)}`) response.end(deb);
    else response.writeHead(404).end();
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function contextOf(t: TestContext, base: string): CreateContext {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-wanted-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const store = openStore(join(folder, 'store'));
  const signal = new AbortController().signal;
  const onProgress = () => {};
  return {
    store,
    signal,
    onProgress,
    work: folder,
    trusted: false,
    settings: (name) => (name === 'snapshot' ? { debian: base } : {}),
    fetch: (all) => fetchAll(all, { store, signal, onProgress, work: join(folder, 'fetch') }),
  };
}

function lockOf(one: AptPackage, uri: string): AptLock {
  const origin = {
    source: 'debian',
    uri,
    dist: 'bookworm',
    component: 'main',
    origin: 'Debian',
    label: 'Nobody has this',
  };
  return { of: `sha256:${'0'.repeat(64)}`, packages: [one], origins: { 'debian/bookworm/main': origin } };
}

const base = { name: 'hello', version: '1:2+b1', architecture: 'amd64', why: 'used' } as const;

test('a package is sought in apt’s cache, the recorded pool and the snapshot service, in this order', async (t) => {
  const deb = testDeb([{ name: './a', content: 'a' }]);
  const asked: string[] = [];
  const uri = await archive(t, deb, asked);
  const context = contextOf(t, uri);
  const one = {
    ...base,
    from: 'debian/bookworm/main',
    path: 'pool/main/h/hello_2+b1_amd64.deb',
    size: deb.length,
    sha256: sha256(deb),
  };
  const [want] = await wanted(spec, lockOf(one, `${uri}/debian`), context);
  const sources: Source[] = [];
  for await (const source of want?.sources() ?? []) sources.push(source);
  assert.deepEqual(
    sources.filter(({ kind }) => kind !== 'mirror').map(({ kind, file, url }) => [kind, file ?? url]),
    [
      ['apt', '/var/cache/apt/archives/hello_1%3a2+b1_amd64.deb'],
      ['pool', `${uri}/debian/pool/main/h/hello_2+b1_amd64.deb`],
      ['snapshot', `${uri}/file/${'b'.repeat(40)}`],
    ],
  );
  const got = await context.fetch([want ?? assert.fail()].map((item) => ({ ...item })));
  assert.deepEqual([got.from, got.missing], [{ snapshot: 1 }, []]);
  assert.ok(asked.indexOf('/debian/pool/main/h/hello_2+b1_amd64.deb') < asked.indexOf(`/file/${'b'.repeat(40)}`));
});

test('what can be had nowhere is listed with every place and its reason', async (t) => {
  const uri = await archive(t, Buffer.alloc(0));
  const context = contextOf(t, uri);
  const one = {
    ...base,
    name: 'gone',
    from: 'debian/bookworm/main',
    path: 'pool/g.deb',
    size: 9,
    sha256: '1'.repeat(64),
  };
  const { missing } = await context.fetch(await wanted(spec, lockOf(one, `${uri}/debian`), context));
  assert.equal(missing[0]?.what, 'gone 1:2+b1');
  const tried = (missing[0]?.tried ?? []).map(({ label, because }) => `${label}: ${because}`).join('\n');
  assert.match(tried, /apt's cache: not there/);
  assert.match(tried, new RegExp(`${uri}/debian/pool/g.deb: 404`));
  assert.match(tried, new RegExp(`${uri} \\(404 Not Found\\)`));
});

test('the original of a repacked package is recognised by its md5sums, and nothing else is', async (t) => {
  const sums = `${'c'.repeat(32)}  usr/bin/hello\n`;
  const deb = testDeb([{ name: './a', content: 'a' }], [{ name: './md5sums', content: sums }]);
  const uri = await archive(t, deb);
  const { contents } = parseSums(sums);
  assert.ok(contents !== undefined);
  for (const [recorded, found] of [
    [contents, sha256(deb)],
    [`sha256:${'d'.repeat(64)}`, '2'.repeat(64)],
  ] as const) {
    const context = contextOf(t, uri);
    const one = { ...base, repacked: true, contents: recorded, size: 5, sha256: '2'.repeat(64) };
    const [want] = await wanted(spec, lockOf(one, uri), context);
    assert.equal(want?.sha256, found);
    assert.equal((await foundAs(one, context.store)).sha256, found);
  }
});
