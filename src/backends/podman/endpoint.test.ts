import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { findEndpoint } from './endpoint.ts';
import { explainPodman } from './trouble.ts';

test('podman is found: as named, CONTAINER_HOST, the default connection, the user’s socket', (t) => {
  const home = mkdtempSync(join(tmpdir(), 'repronim-podman-test-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const folder = join(home, '.config/containers');
  mkdirSync(folder, { recursive: true });
  const env = { HOME: home, CONTAINERS_CONF: join(home, 'none') };
  const own = { ...env, XDG_RUNTIME_DIR: join(home, 'run') };
  assert.equal(findEndpoint(undefined, own, 1000).socketPath, join(home, 'run/podman/podman.sock'));
  assert.equal(findEndpoint(undefined, env, 1000).address, 'unix:///run/user/1000/podman/podman.sock');
  assert.equal(findEndpoint(undefined, own, 0).address, 'unix:///run/podman/podman.sock');

  // as `podman system connection add` of podman 4.3 writes it
  const conf = join(folder, 'containers.conf');
  writeFileSync(
    conf,
    '[containers]\n\n[engine]\n  active_service = "far"\n  [engine.service_destinations]\n' +
      '    [engine.service_destinations.far]\n      uri = "ssh://me@far.example.org:22/run/user/1000/podman/podman.sock"\n' +
      '      identity = "/home/me/.ssh/key"\n    [engine.service_destinations.near]\n      uri = "unix:///tmp/near.sock"\n',
  );
  const known = { HOME: home, CONTAINERS_CONF: conf };
  assert.deepEqual(findEndpoint(undefined, known, 1000).over, {
    host: 'ssh://me@far.example.org:22',
    line: 'podman --url unix:///run/user/1000/podman/podman.sock system dial-stdio',
    identity: '/home/me/.ssh/key',
  });
  assert.equal(findEndpoint(undefined, { ...known, CONTAINER_CONNECTION: 'near' }, 0).socketPath, '/tmp/near.sock');
  assert.throws(() => findEndpoint(undefined, { ...known, CONTAINER_CONNECTION: 'no' }, 0), { status: 4 });
  assert.equal(findEndpoint(undefined, { ...known, CONTAINER_HOST: 'unix:///a' }, 0).socketPath, '/a');
  assert.equal(findEndpoint('unix:///b', { ...known, CONTAINER_HOST: 'unix:///a' }, 0).socketPath, '/b');

  // as that of podman 5 does
  const connections = { b: { URI: 'tcp://near.example.org:8888', Identity: '', IsMachine: false } };
  const newer = { Connection: { Default: 'b', Connections: connections }, Farm: {} };
  writeFileSync(join(folder, 'podman-connections.json'), JSON.stringify(newer));
  assert.equal(findEndpoint(undefined, env, 0).host, 'near.example.org');
});

test('what the machine refuses is said with what to do', () => {
  const said = [
    'runc: runc create failed: unable to start container process: error during container init: error setting rlimits for ready process: error setting rlimit type 7: operation not permitted: OCI permission denied',
    'payload does not match any of the supported image formats: potentially insufficient UIDs or GIDs available in user namespace (requested 0:42 for /etc/gshadow): Check /etc/subuid and /etc/subgid if configured locally',
    '/usr/bin/slirp4netns failed: "open(\\"/dev/net/tun\\"): Permission denied\\nchild failed(1)\\n"',
  ];
  const hints = said.map((message) => explainPodman(message) ?? '');
  assert.match(hints[0] ?? '', /default_ulimits/);
  assert.match(hints[1] ?? '', /--add-subuids/);
  assert.match(hints[2] ?? '', /chmod 666 \/dev\/net\/tun/);
  assert.equal(explainPodman('no such container'), undefined);
});

test('where no socket is named, podman’s service is started on the other machine if it does not listen', () => {
  const line = findEndpoint('ssh://far.example.org', {}).over?.line ?? '';
  assert.match(line, /podman system service --time=30/);
  assert.doesNotMatch(line, /[\n!]/, 'also csh reads it');
});
