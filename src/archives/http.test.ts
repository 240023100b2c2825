import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { readBody } from './get-bytes.ts';
import { get } from './http.ts';

const { signal } = new AbortController();

/** A server that answers each connection with these bytes, and closes it. */
async function answering(t: TestContext, ...answers: readonly (string | Buffer)[]): Promise<string> {
  const server = createServer((socket) => {
    socket.once('data', () => {
      for (const answer of answers) socket.write(answer);
      socket.end();
    });
    socket.on('error', () => {});
  });
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test('who closes the line at once, and is read slowly, is read to the end', async (t) => {
  // so many that Node's own fetch falls over it (nodejs/undici#5360)
  const content = Buffer.alloc(64 * 1024, 'some bytes ');
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\nConnection: close\r\n\r\n`;
  const response = await get(await answering(t, head, content), { signal });
  await sleep(200);
  assert.deepEqual(await readBody(response, 1 << 20, 'it'), content);
});

test('HTTP/1.0 without a length ends with the line', async (t) => {
  const response = await get(await answering(t, 'HTTP/1.0 200 OK\r\nX-It: is\r\n\r\n', 'all of it'), { signal });
  assert.equal(response.headers.get('x-it'), 'is');
  assert.equal(String(await readBody(response, 100, 'it')), 'all of it');
});

test('a line that breaks is an error, and what can not be reached says why', async (t) => {
  const short = await get(await answering(t, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n', 'half'), { signal });
  await assert.rejects(readBody(short, 100, 'it'), /it: the line broke/);
  await assert.rejects(get('http://127.0.0.1:59/', { signal, tries: 1 }), /ECONNREFUSED/);
  await assert.rejects(
    get(await answering(t, 'HTTP/1.1 404 Not Found\r\n\r\n'), { signal }),
    /^UserError: 404 Not Found$/,
  );
  await assert.rejects(get('http://nowhere.invalid/', { signal }), /ENOTFOUND|EAI_AGAIN/);
});

test('who has had enough breaks off', async (t) => {
  const stop = new AbortController();
  const response = await get(await answering(t, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n'), {
    signal: stop.signal,
  });
  stop.abort(new Error('enough'));
  await assert.rejects(readBody(response, 100, 'it'), /it: the line broke/);
  await assert.rejects(get('http://127.0.0.1:59/', { signal: stop.signal }), /enough/);
});
