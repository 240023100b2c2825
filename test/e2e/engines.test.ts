/** What docker and podman share, on both: parameters as the engine has taken them, places, the way by ssh. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

import * as v from 'valibot';

import { docker, dockerEngine } from '../../src/backends/docker/index.ts';
import { podman, podmanEngine } from '../../src/backends/podman/index.ts';
import { fingerprintOf } from '../../src/flows/fingerprint.ts';
import { localRoot } from '../../src/roots/local.ts';
import { connectionTo } from '../../src/sessions/ssh/connection.ts';
import { connectEngine } from '../../src/toolkits/engine/client.ts';
import { backendContext, capture, confined, folder } from '../contract/backend-fixture.ts';
import { withDockerd } from './dockerd.ts';
import { haveOrSkip } from './need.ts';
import { withPodman } from './podman.ts';
import { slimRoot } from './roots.ts';
import { withSshd } from './sshd.ts';

const ends: (() => Promise<void>)[] = [];
const owner = { after: (end: () => Promise<void>) => ends.push(end) };
const image = 'repronim-engines';
after(async () => {
  for (const end of ends.reverse()) await end();
});

const engines = [
  // a daemon without a bridge takes note of ports, and no more
  { backend: docker, kind: dockerEngine, network: 'host', ...(await haveOrSkip(async () => await withDockerd(owner))) },
  { backend: podman, kind: podmanEngine, network: 'bridge', ...(await haveOrSkip(withPodman)) },
];

for (const { backend, kind, network, have: host = '', skip } of engines) {
  describe(backend.name, { skip }, () => {
    const context = backendContext(join(folder(backend.name), 'state'));
    const given = (more: Record<string, string>) => v.parse(backend.params, { host, image, ...more });
    after(async () => {
      const { digest } = await slimRoot();
      const record = { backend: backend.name, reference: `${image}:${digest}`, rootfs: digest };
      await backend.removeImage(record, given({}), context);
    });

    test('parameters are what the engine has taken', async () => {
      const rootfs = await slimRoot();
      const params = given({
        memory: '256m',
        cpus: '1.5',
        pids: '77',
        shm: '16m',
        env: 'FIRST=a,b,SECOND=',
        labels: 'org.example.study=a,b,owner=me',
        user: '1234:1235',
        workdir: '/srv',
        platform: process.arch === 'x64' ? 'linux/amd64' : 'linux/arm64',
        network,
        ports: '127.0.0.1:18080:80,53/udp',
      });
      const made = await backend.assemble(rootfs, params, context);
      const instance = await backend.launch(
        made,
        rootfs,
        'test-params',
        { ...confined, network: 'host' },
        params,
        context,
      );
      try {
        const engine = await connectEngine(kind, host);
        const { Config, HostConfig } = (await engine.call('GET', '/containers/repronim-test-params/json')) as {
          Config: {
            Env: string[];
            Labels: Record<string, string>;
            User: string;
            WorkingDir: string;
            ExposedPorts?: object;
          };
          HostConfig: Record<string, unknown>;
        };
        assert.deepEqual(
          [HostConfig['Memory'], HostConfig['NanoCpus'], HostConfig['PidsLimit'], HostConfig['ShmSize']],
          [2 ** 28, 1.5e9, 77, 2 ** 24],
        );
        assert.deepEqual([HostConfig['NetworkMode'], HostConfig['Privileged']], [network, false]);
        assert.deepEqual([Config.User, Config.WorkingDir], ['1234:1235', '/srv']);
        assert.deepEqual([Config.Labels['org.example.study'], Config.Labels['owner']], ['a,b', 'me']);
        for (const pair of ['FIRST=a,b', 'SECOND=']) assert.ok(Config.Env.includes(pair), pair);
        const bindings = HostConfig['PortBindings'] as Record<string, { HostIp: string; HostPort: string }[]>;
        assert.deepEqual(bindings['80/tcp'], [{ HostIp: '127.0.0.1', HostPort: '18080' }]);
        assert.equal(bindings['53/udp']?.[0]?.HostIp, '');
        const out = capture();
        await using session = await instance.session();
        const streams = { stdin: 'ignore', stdout: out.descriptor, stderr: 'inherit' } as const;
        await session.exec(['sh', '-c', 'id -u; id -g; pwd; echo "$FIRST"; ulimit -u'], streams);
        assert.deepEqual(out.text().split('\n').slice(0, 4), ['1234', '1235', '/srv', 'a,b']);
        const own = await session.run(['sh', '-c', 'id -u; pwd; echo "$FIRST"'], { cwd: '/', env: { FIRST: 'ours' } });
        assert.equal(own.stdout.toString().split('\n').slice(1).join(), '/,ours,');
        await using seen = await localEnd(await backend.place?.open('repronim-test-params', given({}), context));
        assert.ok((await seen.root.realpath(['/etc/passwd']))[0]);
      } finally {
        await instance.remove();
      }
    });

    test('an image is a place, and nothing is pulled', async () => {
      const rootfs = await slimRoot();
      const made = await backend.assemble(rootfs, given({}), context);
      await using seen = await localEnd(await backend.place?.open(made.reference, given({}), context));
      assert.equal((await fingerprintOf(seen.root)).digest, (await fingerprintOf(localRoot(rootfs.directory))).digest);
      await assert.rejects(async () => await backend.place?.open('debian:no-such', given({}), context), { status: 2 });
      const missing = { ...made, reference: `${image}:missing` };
      const alone = given({ ports: '80' });
      await assert.rejects(backend.launch(made, rootfs, 'test-none', confined, alone, context), { status: 2 });
      await assert.rejects(backend.launch(missing, rootfs, 'test-none', confined, given({}), context), /has no image/);
    });

    test('daemons and names have images of their own', () => {
      const key = (more: Record<string, string>) => backend.imageKey?.(given(more));
      assert.equal(key({}), key({ memory: '1g' }));
      assert.equal(new Set([key({}), key({ host: 'unix:///run/other.sock' }), key({ image: 'other' })]).size, 3);
    });

    test('over ssh: one connection for everything', async () => {
      const socket = host.replace('unix://', '');
      await using sshd = await withSshd();
      const bin = join(folder('ssh'), 'bin');
      mkdirSync(bin);
      // ssh's own settings are those of whoever runs this
      writeFileSync(
        join(bin, 'ssh'),
        `#!/bin/sh\ncase " $* " in *" -F "*) ;; *) set -- -F ${sshd.config} "$@";; esac\nexec /usr/bin/ssh "$@"\n`,
      );
      chmodSync(join(bin, 'ssh'), 0o755);
      const path = process.env['PATH'];
      process.env['PATH'] = `${bin}:${path}`;
      try {
        const params = given({ host: `ssh://there${socket}` });
        const rootfs = await slimRoot();
        const made = await backend.assemble(rootfs, params, context);
        const instance = await backend.launch(made, rootfs, 'test-ssh', confined, params, context);
        try {
          await using session = await instance.session();
          const said = await session.run(['sh', '-c', 'cat; exit 3'], { input: 'over ssh', accept: [3] });
          assert.equal(said.stdout.toString(), 'over ssh');
          assert.equal((await session.root.readFile('/etc/debian_version')).toString().slice(0, 3), '12.');
        } finally {
          await instance.remove();
        }
        assert.equal(sshd.connections(), 1);
        const nobody = await backend.probe(given({ host: `ssh://there/no/such.sock` }), context);
        assert.equal(nobody.usable, false);
      } finally {
        await connectionTo('ssh://there').close();
        process.env['PATH'] = path;
      }
    });
  });
}

test('what cannot be is said before anything is made', () => {
  const wrong = (more: Record<string, string>) => !v.safeParse(docker.params, more).success;
  for (const more of [
    { ports: '80:80:80:80' },
    { ports: '99999' },
    { env: '1=2' },
    { labels: 'org.repronim.token=mine' },
    { memory: 'much' },
    { pids: '0' },
    { user: '-x' },
    { workdir: 'relative' },
    { platform: 'linux' },
    { gpus: 'all --x' },
    { volumes: '/:/host' },
    { privileged: 'true' },
  ]) {
    assert.ok(wrong(more), JSON.stringify(more));
  }
  assert.throws(() => podmanEngine.gpus('all', 'Libpod/4.3.1'), { status: 4 });
  assert.deepEqual(podmanEngine.gpus('2', 'Libpod/5.4.0'), [
    { Driver: 'cdi', DeviceIDs: ['nvidia.com/gpu=0', 'nvidia.com/gpu=1'] },
  ]);
  assert.deepEqual(dockerEngine.gpus('all', 'Docker/27.0'), [{ Count: -1, Capabilities: [['gpu']] }]);
});

async function localEnd<R extends object>(root: R | undefined): Promise<{ readonly root: R } & AsyncDisposable> {
  assert.ok(root !== undefined);
  return {
    root,
    async [Symbol.asyncDispose]() {
      await (root as Partial<AsyncDisposable>)[Symbol.asyncDispose]?.();
    },
  };
}
