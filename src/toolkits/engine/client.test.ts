import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { UserError } from '../../model/index.ts';
import { connectEngine, readReports } from './client.ts';
import type { EngineKind } from './kind.ts';

/** What answers on a socket of a test's own, as an engine. */
async function engineThat(t: TestContext, answers: RequestListener): Promise<EngineKind> {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-engine-'));
  const socketPath = join(folder, 'socket');
  const server = createServer(answers);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  return {
    name: 'fake',
    title: 'a fake',
    called: 'the fake',
    oldest: 'none',
    hints: { none: '', denied: '' },
    find: () => ({ address: 'unix:///fake', socketPath }),
    givesOwners: true,
    takesPatterns: false,
    makesMounts: false,
    gpus: () => [],
  };
}

const pong: RequestListener = (_request, response) => {
  response.writeHead(200, { 'Api-Version': '1.41', Server: 'Fake/1' }).end('OK');
};

function says(message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, message);
    assert.ok(error.hint !== undefined);
    return true;
  };
}

test('an engine that takes the connection and says nothing is not waited for without an end', async (t) => {
  const kind = await engineThat(t, () => {});
  await assert.rejects(connectEngine(kind, undefined, undefined, 50), says(/^the fake at .* does not answer$/));
});

test('one that hangs in the middle of something is given up, one that only takes its time is not', async (t) => {
  let hangs = false;
  const kind = await engineThat(t, (request, response) => {
    if (request.url === '/_ping') return hangs ? undefined : pong(request, response);
    if (request.url?.endsWith('/slow') === true) return void setTimeout(() => response.end('{"slow":1}'), 300);
    hangs = true;
  });
  const engine = await connectEngine(kind, undefined, undefined, 50);
  assert.deepEqual(await engine.call('GET', '/slow'), { slow: 1 });
  await assert.rejects(engine.call('GET', '/hangs'), says(/does not answer$/));
  hangs = false;
  await assert.rejects(engine.hijack('/hangs', {}), says(/does not answer$/));
});

test('one that is killed while it answers, or while it is sent something, has broken off', async (t) => {
  const kind = await engineThat(t, (request, response) => {
    if (request.url === '/_ping') return pong(request, response);
    if (request.url?.endsWith('/reports') === true) {
      response.writeHead(200, { 'Content-Type': 'application/json' }).write('{"status":"begun"}\n');
      return void setTimeout(() => response.destroy(), 20);
    }
    request.once('data', () => request.destroy());
  });
  const engine = await connectEngine(kind, undefined);
  await assert.rejects(
    async () => {
      for await (const _report of readReports(await engine.stream('GET', '/reports'), engine));
    },
    says(/broke off the connection$/),
  );
  await assert.rejects(engine.call('GET', '/reports'), says(/broke off the connection$/));
  const body = (async function* () {
    for (;;) yield Buffer.alloc(1 << 20);
  })();
  await assert.rejects(engine.stream('POST', '/images/create', { body }), says(/broke off the connection$/));
});
