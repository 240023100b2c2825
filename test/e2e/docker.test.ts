import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

import { docker, dockerEngine } from '../../src/backends/docker/index.ts';
import { connectEngine, type Engine } from '../../src/toolkits/engine/client.ts';
import type { EngineParams } from '../../src/toolkits/engine/params.ts';
import type { BackendContext, Confinement, ImageRecord, InstanceRecord, Instance } from '../../src/contract/index.ts';
import { fingerprintOf } from '../../src/flows/fingerprint.ts';
import { sha256 } from '../../src/model/index.ts';
import { localRoot } from '../../src/roots/local.ts';
import { encodeHeader, tarEnd, tarPadding, type Header } from '../../src/roots/tar-header.ts';
import { tarRoot } from '../../src/roots/tar.ts';
import { CommandFailed } from '../../src/sessions/process.ts';
import { withDockerd } from './dockerd.ts';
import { haveOrSkip } from './need.ts';
import { slimRoot } from './roots.ts';
import { backendContext, folder } from '../contract/backend-fixture.ts';
import { testBackend } from '../contract/backend.ts';
import { awkwardRoot } from './awkward-root.ts';

const confined: Confinement = { level: 'confined', network: 'none', mounts: [] };
const ends: (() => Promise<void>)[] = [];
const { have: host, skip } = await haveOrSkip(async () => await withDockerd({ after: (end) => ends.push(end) }));
const params: EngineParams = { ...(host !== undefined && { host }), image: 'repronim-test', network: 'bridge' };
after(async () => {
  if (skip !== false) return;
  const { digest } = await slimRoot();
  const image = { backend: 'docker', reference: `${params.image}:${digest}`, rootfs: digest };
  await docker.removeImage(image, params, backendContext(folder('image')));
  for (const end of ends) await end();
});

testBackend({
  backend: docker,
  params,
  module: new URL('../../src/backends/docker/index.ts', import.meta.url),
  exported: 'docker',
  rootfs: slimRoot,
  skip,
});

describe('docker', { skip }, () => {
  let engine: Engine;
  let directory: string;
  const digest = sha256(`test ${process.pid}`);
  const state = mkdtempSync(join(tmpdir(), 'repronim-docker-test-'));
  const records: Record<string, unknown>[] = [];
  const context: BackendContext = {
    ...backendContext(state),
    record: async (facts) => void records.push({ ...facts }),
  };
  let image: ImageRecord;
  let instance: Instance;

  const launch = async (name: string, confinement = confined) =>
    await docker.launch(image, { directory, digest }, name, confinement, params, context);

  before(async () => {
    engine = await connectEngine(dockerEngine, host);
    directory = await awkwardRoot();
    image = await docker.assemble({ directory, digest }, params, context);
    instance = await launch('test-one');
  });
  after(async () => {
    await instance?.remove();
    await docker.removeImage(image, params, context);
    rmSync(state, { recursive: true });
  });

  test('the image is the rootfs: same id every time, nothing left beside it', async () => {
    const before = (await engine.call('GET', `/images/${image.reference}/json`)) as { Id: string };
    assert.deepEqual(await docker.assemble({ directory, digest }, params, context), image);
    const other = sha256('other');
    const again = await docker.assemble({ directory, digest: other }, { ...params, image: 'repronim-other' }, context);
    const layers = async (reference: string) =>
      ((await engine.call('GET', `/images/${reference}/json`)) as { RootFS: { Layers: string[] } }).RootFS.Layers;
    assert.deepEqual(await layers(again.reference), await layers(image.reference));
    await docker.removeImage(again, params, context);
    await docker.removeImage(again, params, context);
    await assert.rejects(docker.removeImage(image, params, context), /in use by a container/);
    const after = (await engine.call('GET', `/images/${image.reference}/json`)) as { Id: string };
    assert.equal(after.Id, before.Id);
    const unnamed = (await engine.call('GET', '/images/json?all=1')) as {
      RepoTags: string[] | null;
      Labels: object | null;
    }[];
    assert.deepEqual(
      unnamed.filter(({ Labels }) => JSON.stringify(Labels ?? {}).includes('org.repronim.part')),
      [],
    );
  });

  test('what is seen of it is the rootfs, to the bit, running or not', async () => {
    await using session = await instance.session();
    const except = ['/dev', '/proc', '/sys'];
    const inside = await Array.fromAsync(session.root.scan({ except, digests: ['sha256', 'md5'] }));
    const outside = await Array.fromAsync(localRoot(directory).scan({ except, digests: ['sha256', 'md5'] }));
    assert.deepEqual(inside, outside);
    assert.ok(inside.some(({ capability }) => capability !== undefined));
    assert.equal(String(await session.root.readFile('/etc/hosts')), '127.0.0.1 of-the-root\n');
    assert.equal(await session.root.readlink('/etc/resolv.conf'), '/run/resolv.conf');
    await instance.stop();
    await using stopped = await instance.session();
    assert.equal((await fingerprintOf(stopped.root)).digest, (await fingerprintOf(localRoot(directory))).digest);
    assert.equal(await instance.status(), 'stopped');
    await instance.start();
  });

  test('single questions and the whole give the same answers', async () => {
    const paths = ['/bin/sh', '/opt/out', '/opt/circle', '/opt/hard', '/none', '/etc/hosts', '/.dockerenv'];
    await using few = await instance.session();
    await using all = await instance.session();
    await all.root.readdir('/');
    const plain = (stats: readonly (object | undefined)[]) =>
      stats.map((stat) => (stat === undefined ? undefined : { ...stat, mtimeMs: 0, inode: '' }));
    assert.deepEqual(plain(await few.root.lstat(paths)), plain(await all.root.lstat(paths)));
    assert.deepEqual(await few.root.realpath(paths), await all.root.realpath(paths));
    assert.deepEqual(await few.root.digest(paths, 'sha256'), await all.root.digest(paths, 'sha256'));
    assert.deepEqual(await few.root.realpath(paths), await localRoot(directory).realpath(paths));
    for (const path of ['/none', '/opt', '/opt/circle', '/opt/out', '/.dockerenv', '/opt/fifo']) {
      const code = async (root: typeof few.root) =>
        await root.readFile(path).then(
          () => 'read',
          (error) => error.code,
        );
      assert.equal(await code(few.root), await code(all.root), path);
    }
    assert.equal((await few.root.readFile('/opt/large')).length, 3 * 1024 * 1024 + 17);
    assert.equal((await all.root.readFile('/opt/large')).length, 3 * 1024 * 1024 + 17);
  });

  test('a changed byte, mode or owner changes the fingerprint', async () => {
    const other = await launch('test-changed');
    try {
      const digests = new Set<string>();
      await using session = await other.session();
      digests.add((await fingerprintOf(session.root)).digest);
      for (const argv of [
        ['chmod', '0700', '/etc'],
        ['chmod', '0751', '/etc'],
        ['sh', '-c', 'echo >>/etc/passwd'],
        ['rm', '/opt/hard'],
      ] as const) {
        await session.run(argv);
        digests.add((await fingerprintOf(session.root)).digest);
      }
      assert.equal(digests.size, 5);
    } finally {
      await other.remove();
    }
  });

  test('a program gets its user, groups, umask, folder and environment, and nothing else', async () => {
    const out = join(state, 'out');
    const descriptor = openSync(out, 'w');
    await using session = await instance.session();
    const status = await session.exec(['sh', '-c', 'id; umask; pwd; env; cat; exit 5'], {
      env: { A: '', B: "a b\n'c" },
      cwd: '/opt',
      user: { uid: 1000, gid: 1001, groups: [1001, 44], umask: 0o027 },
      stdin: openSync(join(directory, 'etc/hosts'), 'r'),
      stdout: descriptor,
      stderr: 'ignore',
    });
    closeSync(descriptor);
    assert.equal(status, 5);
    assert.equal(
      readFileSync(out, 'utf8'),
      "uid=1000(u) gid=1001 groups=1001,44(video)\n0027\n/opt\nA=\nB=a b\n'c\nPWD=/opt\n127.0.0.1 of-the-root\n",
    );
    const direct = await session.run(['env'], { env: { 'ODD NAME': '$(id)', ONLY: 'this' } });
    assert.equal(String(direct.stdout), 'ODD NAME=$(id)\nONLY=this\n');
  });

  test('statuses, streams, limits and time-outs are those of a process', async () => {
    await using session = await instance.session();
    const both = await session.run(['sh', '-c', 'echo out; echo err >&2; exit 3'], { accept: [3] });
    assert.deepEqual([String(both.stdout), String(both.stderr)], ['out\n', 'err\n']);
    await assert.rejects(
      session.run(['sh', '-c', 'echo why >&2; exit 3']),
      (error) => error instanceof CommandFailed && error.result.status === 3 && error.details[0] === 'why',
    );
    assert.equal((await session.run(['nonesuch'], { accept: 'any' })).status, 127);
    assert.equal((await session.run(['/etc/hosts'], { accept: 'any' })).status, 126);
    assert.equal((await session.run(['sh', '-c', 'kill -9 $$'], { accept: 'any' })).status, 137);
    const large = Buffer.alloc(5_000_000, 'line\n');
    assert.deepEqual((await session.run(['cat'], { input: large })).stdout, large);
    await session.run(['true'], { input: large });
    assert.equal((await session.run(['sleep', '60'], { accept: 'any', timeoutMs: 200 })).status, 143);
    await assert.rejects(session.run(['cat', '/opt/large'], { limit: 1000 }), /more than 1000 bytes/);
    const abort = new AbortController();
    const running = session.run(['sh', '-c', 'sleep 60; true'], { signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 200);
    await assert.rejects(running, /enough/);
    const left = String((await session.run(['sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "'])).stdout);
    assert.ok(!left.includes('sleep 60'), left);
  });

  test('a terminal of its own: its name, its size, also when that changes, Ctrl-C', async () => {
    const script = fileURLToPath(new URL('docker-terminal.ts', import.meta.url));
    const given = JSON.stringify({ params, directory, digest, state });
    const command = 'stty rows 33 cols 111; exec "$NODE" "$SCRIPT" "$GIVEN"';
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, NODE: process.execPath, SCRIPT: script, GIVEN: given },
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (/^ready/m.test(text)) child.stdin.write('\x03');
    });
    await new Promise((resolve) => child.once('close', resolve));
    assert.match(said, /^\/dev\/pts\/0\r\n33 111\r\n40 80\r\nready\r\n(\^C)?asked\r\nstatus 4\r\n$/);
  });

  test('files go in and out, and nowhere else', async () => {
    await using session = await instance.session();
    await session.write('/opt/new/deep/file', 'content', 0o640);
    await session.write('/bin/tool', '#!/bin/sh\necho works\n', 0o755);
    await session.write('/opt/out', 'no link any more');
    assert.equal(String((await session.run(['/usr/bin/tool'])).stdout), 'works\n');
    assert.equal(String(await session.root.readFile('/opt/out')), 'no link any more');
    assert.equal((await session.root.lstat(['/opt/new/deep/file']))[0]?.mode, 0o640);
    await session.untar(
      pieces(
        member({ name: 'bin', type: 'directory' }),
        member({ name: 'bin/more', size: 2 }, 'ok'),
        member({ name: 'etc/link', type: 'link', target: '/opt' }),
        member({ name: 'etc/link/through', size: 3 }, 'bad'),
        member({ name: '../../above', size: 3 }, 'bad'),
        member({ name: 'hard', type: 'hardlink', target: 'bin/more' }),
        member({ name: 'leaving', type: 'hardlink', target: '../etc/passwd' }),
      ),
      '/',
    );
    assert.deepEqual(await session.root.realpath(['/bin', '/bin/more', '/opt/through', '/above', '/leaving']), [
      '/usr/bin',
      '/usr/bin/more',
      undefined,
      undefined,
      undefined,
    ]);
    await session.untar(pieces(member({ name: 'a/b', size: 3 }, 'abc')), '/opt/fresh/place');
    await using seen = await tarRoot(session.tar(['/opt/fresh', '/usr/bin/more']), 'tar');
    assert.deepEqual(
      (await Array.fromAsync(seen.scan())).map(({ path }) => path),
      [
        '/',
        '/opt',
        '/opt/fresh',
        '/opt/fresh/place',
        '/opt/fresh/place/a',
        '/opt/fresh/place/a/b',
        '/usr',
        '/usr/bin',
        '/usr/bin/more',
      ],
    );
  });

  test('it reaches nothing of this machine but what was let in', async () => {
    mkdirSync(join(state, 'let-in'));
    writeFileSync(join(state, 'let-in/seen'), 'seen');
    chmodSync(state, 0o755);
    const mounts = [{ source: join(state, 'let-in'), path: '/mnt/deep/place', readonly: true }];
    const other = await launch('test-mounts', { ...confined, mounts });
    try {
      await using session = await other.session();
      assert.equal((await fingerprintOf(session.root)).digest, (await fingerprintOf(localRoot(directory))).digest);
      assert.equal(String((await session.run(['cat', '/mnt/deep/place/seen'])).stdout), 'seen');
      const tried = await session.run(['sh', '-c', 'echo >/mnt/deep/place/new'], { accept: 'any' });
      assert.notEqual(tried.status, 0);
      const facts = String((await session.run(['cat', '/proc/self/status'])).stdout);
      const devices = String((await session.run(['cat', '/proc/net/dev'])).stdout);
      assert.match(facts, /^NoNewPrivs:\t1$/m);
      assert.match(facts, /^Seccomp:\t2$/m);
      assert.match(facts, /^CapEff:\t00000000a80425fb$/m);
      assert.deepEqual(
        [...devices.matchAll(/^ *(\S+):/gm)].map(([, name]) => name),
        ['lo'],
      );
    } finally {
      await other.remove();
    }
  });

  test('a name that is taken is nobody’s loss', async () => {
    await engine.call('POST', '/containers/create', {
      query: { name: 'repronim-test-taken' },
      json: { Image: image.reference, Cmd: ['sleep', '9'] },
    });
    try {
      await assert.rejects(launch('test-taken'), /has a container named repronim-test-taken already/);
      await docker.sweep(recordOf('test-taken', records.at(-1) ?? {}, image), params, context);
      await engine.call('GET', '/containers/repronim-test-taken/json');
    } finally {
      await engine.call('DELETE', '/containers/repronim-test-taken', { query: { force: 1 } });
    }
  });

  test('killed at any moment, what is left is what the record names', async (t) => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    t.diagnostic(`seed ${seed}`);
    const draw = random(seed);
    const digests = new Set<string>();
    for (let round = 0; round < 5; round += 1) {
      const log = join(state, `records-${round}`);
      const other = sha256(`killed ${round} ${process.pid}`);
      digests.add(`sha256:${other}`);
      const child = spawn(
        process.execPath,
        [
          join(import.meta.dirname, 'docker-victim.ts'),
          JSON.stringify({ params, directory, digest: other, state, log }),
        ],
        { stdio: 'ignore' },
      );
      await Promise.race([sleep(draw() * 1000), new Promise((resolve) => child.once('exit', resolve))]);
      child.kill('SIGKILL');
      await new Promise((resolve) =>
        (child.exitCode ?? child.signalCode) === null ? child.once('exit', resolve) : resolve(0),
      );
      const facts = Object.assign({}, ...readRecords(log)) as Record<string, unknown>;
      const left = { backend: 'docker', reference: `${params.image}:${other}`, rootfs: other };
      await docker.sweep(recordOf('test-victim', facts, left), params, context);
      await docker.removeImage(left, params, context);
    }
    const containers = (await engine.call('GET', '/containers/json?all=1')) as { Names: string[] }[];
    assert.deepEqual(
      containers.flatMap(({ Names }) => Names).filter((name) => name.includes('victim')),
      [],
    );
    const images = (await engine.call('GET', '/images/json?all=1')) as { Labels: Record<string, string> | null }[];
    const ours = images.flatMap(({ Labels }) => Labels?.['org.repronim.part'] ?? Labels?.['org.repronim.lock'] ?? []);
    assert.deepEqual(
      ours.filter((one) => digests.has(one)),
      [],
    );
  });

  test('who can’t speak to it is told what to do', async () => {
    const answer = await docker.probe({ ...params, host: 'unix:///nonexistent/docker.sock' }, context);
    assert.deepEqual(answer, {
      usable: false,
      because: 'no daemon answers at unix:///nonexistent/docker.sock',
      hint: 'start it, or join group docker',
    });
    assert.equal((await docker.probe(params, context)).usable, true);
  });
});

function recordOf(name: string, facts: Readonly<Record<string, unknown>>, image: ImageRecord): InstanceRecord {
  return { name, backend: 'docker', image, confinement: confined, facts };
}

function readRecords(file: string): object[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as object);
  } catch {
    return []; // it had not come so far
  }
}

/** mulberry32: the same numbers for the same seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function member(header: Partial<Header> & { name: string }, content = ''): Buffer {
  const full: Header = { type: 'file', mode: 0o755, uid: 0, gid: 0, size: 0, mtimeMs: 0, ...header };
  return Buffer.concat([encodeHeader(full), Buffer.from(content), tarPadding(full.size)]);
}

async function* pieces(...members: Buffer[]): AsyncIterable<Buffer> {
  yield* members;
  yield tarEnd;
}
