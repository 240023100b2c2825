import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import type { UserError } from '../../model/index.ts';
import { connectEngine, EngineError } from '../../toolkits/engine/client.ts';
import { findEndpoint } from './endpoint.ts';
import { dockerEngine } from './index.ts';

test('the daemon is found as docker finds it', (t) => {
  const folder = temporary(t);
  const named = (name: string, endpoint: object) => {
    const id = createHash('sha256').update(name).digest('hex');
    const meta = join(folder, 'contexts/meta', id);
    mkdirSync(meta, { recursive: true });
    // as `docker context create` writes it
    writeFileSync(
      join(meta, 'meta.json'),
      JSON.stringify({ Name: name, Metadata: {}, Endpoints: { docker: endpoint } }),
    );
    return id;
  };
  named('here', { Host: 'unix:///run/user/1000/docker.sock', SkipTLSVerify: false });
  const far = named('far', { Host: 'tcp://far.example.org:2376', SkipTLSVerify: false });
  mkdirSync(join(folder, 'contexts/tls', far, 'docker'), { recursive: true });
  writeFileSync(join(folder, 'contexts/tls', far, 'docker/ca.pem'), 'CA');
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths: {}, currentContext: 'here' }));
  const env = { DOCKER_CONFIG: folder };

  assert.equal(findEndpoint(undefined, env).socketPath, '/run/user/1000/docker.sock');
  assert.equal(findEndpoint(undefined, { ...env, DOCKER_HOST: 'unix:///tmp/d.sock' }).socketPath, '/tmp/d.sock');
  assert.equal(findEndpoint('/tmp/e.sock', { ...env, DOCKER_HOST: 'unix:///tmp/d.sock' }).socketPath, '/tmp/e.sock');
  assert.deepEqual(findEndpoint(undefined, { ...env, DOCKER_CONTEXT: 'far' }), {
    address: 'tcp://far.example.org:2376',
    host: 'far.example.org',
    port: 2376,
    tls: { verify: true, ca: Buffer.from('CA') },
  });
  assert.deepEqual(findEndpoint('tcp://[::1]', {}), { address: 'tcp://[::1]', host: '::1', port: 2375 });
  assert.equal(findEndpoint(undefined, { DOCKER_CONFIG: '/nonexistent' }).address, 'unix:///var/run/docker.sock');
  assert.throws(() => findEndpoint(undefined, { ...env, DOCKER_CONTEXT: 'none' }), /docker has no context none/);
});

test('a daemon of another machine is spoken to by ssh, as docker does', () => {
  assert.deepEqual(findEndpoint('ssh://me@far.example.org:2222', {}), {
    address: 'ssh://me@far.example.org:2222',
    over: { host: 'ssh://me@far.example.org:2222', line: 'docker system dial-stdio' },
  });
  const { over } = findEndpoint(undefined, { DOCKER_HOST: 'ssh://far/run/user/1000/docker.sock' });
  assert.equal(over?.line, 'docker --host unix:///run/user/1000/docker.sock system dial-stdio');
});

test('an address that cannot be spoken to says what would do, without its password', () => {
  const error = (address: string) => {
    try {
      findEndpoint(address, {});
    } catch (thrown) {
      return thrown as UserError;
    }
    return undefined;
  };
  assert.equal(error('ssh://me:secret@far')?.message, 'cannot speak to a docker daemon at ssh://me@far');
  assert.match(error('ssh://me:secret@far')?.hint ?? '', /the matter of ssh and its agent$/);
  for (const address of [
    'ssh://-oProxyCommand=x',
    'ssh://-l@far',
    'ssh://far/a;b',
    'ssh://far/$(x)',
    'ssh://far/%0a',
  ]) {
    assert.equal(error(address)?.status, 4, address);
  }
  assert.equal(error('ftp://far')?.status, 4);
});

test('no daemon, an old daemon, and what a daemon refuses are told apart', async (t) => {
  const socket = join(temporary(t), 'd.sock');
  await assert.rejects(connectEngine(dockerEngine, `unix://${socket}`), {
    message: `no daemon answers at unix://${socket}`,
    hint: 'start it, or join group docker',
    status: 4,
  });
  let api = '1.24';
  await using _server = await listening(socket, (path) =>
    path === '/_ping'
      ? { status: 200, headers: { 'Api-Version': api, Server: 'Docker/17.05 (linux)' }, body: 'OK' }
      : { status: 404, headers: {}, body: '{"message":"No such image: x"}' },
  );
  await assert.rejects(
    connectEngine(dockerEngine, `unix://${socket}`),
    /is not the docker daemon, or too old \(API 1\.24\)/,
  );
  api = '1.44';
  const engine = await connectEngine(dockerEngine, `unix://${socket}`);
  assert.deepEqual([engine.api, engine.server], ['1.44', 'Docker/17.05']);
  await assert.rejects(
    engine.call('GET', '/images/x/json'),
    (error) => error instanceof EngineError && error.code === 404 && error.message.endsWith('says: No such image: x'),
  );
});

async function listening(
  socket: string,
  answer: (path: string) => { status: number; headers: Record<string, string>; body: string },
): Promise<AsyncDisposable> {
  const server: Server = createServer((request, response) => {
    const { status, headers, body } = answer(request.url ?? '');
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-endpoint-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
