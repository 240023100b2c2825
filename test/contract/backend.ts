import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { Backend, Confinement, InstanceRecord, Rootfs, Session } from '../../src/contract/index.ts';
import { CommandFailed } from '../../src/sessions/process.ts';
import { closing, processesWith, stream, tarOf } from './backend-helpers.ts';
import { backendContext, capture, confined, folder, makeInstance, recorded } from './backend-fixture.ts';

export interface BackendUnderTest<P> {
  readonly backend: Backend<P>;
  readonly params: P;
  /** The module that exports `backend`, and under which name: a process that is killed has to find it again. */
  readonly module: URL;
  readonly exported: string;
  rootfs(): Promise<Rootfs>;
  /** How its instances are made: confined, where nothing else is said. A law of confinement is not asked of others. */
  readonly confinement?: Confinement;
  /** Why it can't be tested here. */
  readonly skip?: string | false;
}

/** The laws that every backend keeps; called from its own e2e test. */
export function testBackend<P>(under: BackendUnderTest<P>): void {
  const { backend, params, confinement: asked = confined } = under;
  const make = async (rootfs: Rootfs, confinement = asked) => await makeInstance(backend, params, rootfs, confinement);
  const law = (name: string, body: (rootfs: Rootfs) => Promise<void>): void => {
    test(`${backend.name}: ${name}`, { skip: under.skip ?? false }, async () => await body(await under.rootfs()));
  };
  const inside = (name: string, body: (session: Session) => Promise<void>): void => {
    law(name, async (rootfs) => {
      await using made = await make(rootfs);
      await using session = await made.instance.session();
      await body(session);
    });
  };

  law('says that it is usable, and with what', async () => {
    const context = backendContext(folder('probe'));
    const answer = await backend.probe(params, context);
    assert.equal(answer.usable, true);
    assert.notEqual(answer.usable && answer.detail, '');
  });

  law('assembles the same image from the same rootfs', async (rootfs) => {
    const context = backendContext(join(folder('image'), 'image'));
    const first = await backend.assemble(rootfs, params, context);
    assert.deepEqual(await backend.assemble(rootfs, params, context), first);
    assert.equal(first.backend, backend.name);
    assert.equal(first.rootfs, rootfs.digest);
  });

  inside('runs programs: status, streams, input', async (session) => {
    const result = await session.run(['sh', '-c', 'cat; echo err >&2; exit 3'], { input: 'in\0\xff', accept: [3] });
    assert.equal(result.status, 3);
    assert.equal(result.stdout.toString(), 'in\0\xff');
    assert.equal(result.stderr.toString(), 'err\n');
    await assert.rejects(session.run(['false']), CommandFailed);
    assert.equal((await session.run(['no-such-program'], { accept: 'any' })).status, 127);
    assert.equal((await session.run(['/etc/passwd'], { accept: 'any' })).status, 126);
  });

  inside('passes words as they are', async (session) => {
    const words = ['a b', '$(id)', "'", '"', '\n', '', '-n', '*', '\\', 'é', '\u{dcff}'];
    const { stdout } = await session.run(['perl', '-e', 'print join "\\0", @ARGV', '--', ...words]);
    const expected = Buffer.concat([Buffer.from(words.slice(0, -1).join('\0') + '\0'), Buffer.of(0xff)]);
    assert.deepEqual(stdout, expected);
  });

  inside('gives the environment exactly, and the working directory', async (session) => {
    const env = { PATH: '/usr/bin:/bin', ODD: 'a=b\nc', EMPTY: '', LD_X: "'" };
    const { stdout } = await session.run(['env', '-0'], { env });
    const seen = Object.fromEntries(
      stdout
        .toString()
        .split('\0')
        .filter(Boolean)
        .map((pair) => [pair.split('=', 1)[0], pair.slice(pair.indexOf('=') + 1)]),
    );
    for (const [name, value] of Object.entries(env)) assert.equal(seen[name], value, name);
    for (const name of Object.keys(process.env))
      assert.ok(name in env || !(name in seen) || name === 'HOME' || name === 'HOSTNAME', name);
    assert.equal((await session.run(['pwd', '-P'], { cwd: '/usr/share' })).stdout.toString(), '/usr/share\n');
    await assert.rejects(session.run(['true'], { cwd: '/no/such/folder' }));
  });

  inside('runs as whom it is asked to', async (session) => {
    await using out = closing(capture());
    const status = await session.exec(
      ['sh', '-c', 'id -u; id -g; id -G; umask; pwd; echo $HOME; touch made; ls -ln made'],
      {
        user: { uid: 1234, gid: 2345, groups: [2345, 10, 11], umask: 0o027 },
        env: { PATH: '/usr/bin:/bin', HOME: '/tmp/h' },
        cwd: '/tmp',
        stdin: 'ignore',
        stdout: out.descriptor,
        stderr: out.descriptor,
      },
    );
    const lines = out.text().split('\n');
    assert.equal(status, 0);
    assert.deepEqual(lines.slice(0, 6), ['1234', '2345', '2345 10 11', '0027', '/tmp', '/tmp/h']);
    assert.match(lines[6] ?? '', /^-rw-r----- 1 1234 2345 0 /);
  });

  inside('passes descriptors, statuses and signals', async (session) => {
    await using out = closing(capture());
    const streams = { stdout: out.descriptor, stderr: out.descriptor } as const;
    const input = join(folder('input'), 'in');
    writeFileSync(input, 'first\nsecond\n');
    const descriptor = openSync(input, 'r');
    assert.equal(await session.exec(['sh', '-c', 'cat; exit 7'], { ...streams, stdin: descriptor }), 7);
    closeSync(descriptor);
    assert.equal(out.text(), 'first\nsecond\n');
    assert.equal(await session.exec(['sh', '-c', 'kill -TERM $$'], { ...streams, stdin: 'ignore' }), 128 + 15);
    assert.equal(await session.exec(['sh', '-c', 'kill -KILL $$'], { ...streams, stdin: 'ignore' }), 128 + 9);
    assert.equal(await session.exec(['no-such-program'], { ...streams, stdin: 'ignore' }), 127);
    assert.equal(await session.exec(['/etc/passwd'], { ...streams, stdin: 'ignore' }), 126);
  });

  inside('ends a program when it is told to', async (session) => {
    await using out = closing(capture());
    const abort = new AbortController();
    const script = 'trap "echo asked; exit 9" TERM; echo up; while :; do sleep 0.05; done';
    const ended = session.exec(['sh', '-c', script], {
      stdin: 'ignore',
      stdout: out.descriptor,
      stderr: out.descriptor,
      signal: abort.signal,
    });
    while (!out.text().includes('up')) await new Promise((resolve) => setTimeout(resolve, 10));
    abort.abort();
    const status = await ended.catch(() => 'aborted');
    assert.ok(status === 9 || status === 'aborted', `${status}`);
    assert.match(out.text(), /asked/);
    const started = performance.now();
    await assert.rejects(session.run(['sleep', '60.125'], { signal: AbortSignal.timeout(200) }));
    assert.ok(performance.now() - started < 10_000);
    const left = await session.run(['sh', '-c', 'cat /proc/[0-9]*/cmdline'], { accept: 'any' });
    assert.doesNotMatch(left.stdout.toString(), /sleep\u000060\.125/);
  });

  inside('writes files: parents, modes, links are replaced and not followed', async (session) => {
    await session.write('/tmp/a/b/file', 'one\n', 0o600);
    await session.write('/tmp/a/b/file', Buffer.from('two\n'), 0o4755);
    await session.run(['ln', '-s', '/etc/passwd', '/tmp/a/link']);
    await session.write('/tmp/a/link', 'mine\n');
    const said = (
      await session.run([
        'sh',
        '-c',
        'cd /tmp/a; cat b/file link; stat -c "%a %u %F" b/file link; grep -c root /etc/passwd',
      ])
    ).stdout;
    assert.equal(said.toString(), 'two\nmine\n4755 0 regular file\n644 0 regular file\n1\n');
  });

  inside('packs and unpacks trees as they are', async (session) => {
    const make = `
      mkdir -p /tmp/t/sub && cd /tmp/t && umask 022
      printf content >"odd
name é" && chmod 4711 "odd
name é" && ln -s ../sub/x sub/link && ln sub/hard sub/none 2>/dev/null; echo h >sub/hard && ln sub/hard sub/again
      ${'mkdir ' + 'd'.repeat(120)} && echo deep >${'d'.repeat(120)}/${'f'.repeat(120)}
      chown 12:34 sub/hard && chown -h 56:78 sub/link && mkfifo pipe && touch -d @1000000000 sub/hard && chmod 1777 sub`;
    await session.run(['sh', '-c', make]);
    await session.untar(session.tar(['/tmp/t']), '/tmp/out');
    const list =
      'cd "$0" && find . | sort | xargs -d "\\n" stat -c "%n|%a|%u|%g|%F|%N" | sed "s/ -> .*link/LINK&/"; stat -c %Y sub/hard; stat -c %h sub/again; find . -type f | sort | tr "\\n" "\\0" | xargs -0 cat 2>/dev/null';
    const was = (await session.run(['sh', '-c', list, '/tmp/t'], { accept: 'any' })).stdout.toString();
    const is = (await session.run(['sh', '-c', list, '/tmp/out/tmp/t'], { accept: 'any' })).stdout.toString();
    assert.match(was, /1000000000/);
    assert.equal(is, was);
  });

  inside('lets no member of an archive leave its folder', async (session) => {
    await session.run(['sh', '-c', 'mkdir -p /tmp/evil /tmp/box; echo safe > /tmp/victim']);
    const evil = tarOf([
      { name: 'way', type: '2', link: '/tmp' },
      { name: 'way/victim', type: '0', content: 'pwned\n' },
    ]);
    await session.untar(stream(evil), '/tmp/box').catch(() => {});
    await session
      .untar(stream(tarOf([{ name: '../victim', type: '0', content: 'pwned\n' }])), '/tmp/box')
      .catch(() => {});
    await session
      .untar(
        stream(
          tarOf([
            { name: 'hard', type: '1', link: '../victim' },
            { name: 'hard', type: '0', content: 'pwned\n' },
          ]),
        ),
        '/tmp/box',
      )
      .catch(() => {});
    assert.equal((await session.run(['cat', '/tmp/victim'])).stdout.toString(), 'safe\n');
  });

  inside('can be looked at as a root', async (session) => {
    await session.run([
      'sh',
      '-c',
      'echo seen > /etc/seen && rm /etc/issue && chown 7:8 /etc/seen && ln -s /etc/seen /link',
    ]);
    assert.equal((await session.root.readFile('/link')).toString(), 'seen\n');
    const [stat, gone] = await session.root.lstat(['/etc/seen', '/etc/issue']);
    assert.deepEqual([stat?.uid, stat?.gid, stat?.size, gone], [7, 8, 5, undefined]);
    assert.deepEqual(await session.root.realpath(['/link']), ['/etc/seen']);
    const found: string[] = [];
    for await (const entry of session.root.scan({ below: ['/etc'] })) found.push(entry.path);
    assert.ok(found.includes('/etc/seen') && !found.includes('/etc/issue'));
  });

  law('shares one tree between sessions, keeps what was changed, and leaves the image alone', async (rootfs) => {
    await using made = await make(rootfs);
    {
      await using one = await made.instance.session();
      await using two = await made.instance.session();
      await one.run(['sh', '-c', 'echo 1 > /etc/shared']);
      await two.run(['sh', '-c', 'echo 2 >> /etc/shared; rm /etc/issue']);
      assert.equal((await one.run(['cat', '/etc/shared'])).stdout.toString(), '1\n2\n');
    }
    const again = await backend.attach(JSON.parse(JSON.stringify(made.record)) as InstanceRecord, params, made.context);
    await using later = await again.session();
    assert.equal((await later.run(['cat', '/etc/shared'])).stdout.toString(), '1\n2\n');
    await using other = await make(rootfs);
    await using fresh = await other.instance.session();
    assert.equal(
      (await fresh.run(['ls', '/etc/shared', '/etc/issue'], { accept: 'any' })).stdout.toString(),
      '/etc/issue\n',
    );
    assert.ok(existsSync(join(rootfs.directory, 'etc/issue')));
  });

  law('lets many come and go at once', async (rootfs) => {
    await using made = await make(rootfs);
    const visit = async (number: number) => {
      const instance = await backend.attach(made.record, params, made.context);
      for (let count = 0; count < 3; count += 1) {
        await using session = await instance.session();
        await session.run(['sh', '-c', `echo ${number} >> /visits`]);
      }
    };
    await Promise.all(Array.from({ length: 6 }, (_, number) => visit(number)));
    await using session = await made.instance.session();
    assert.equal((await session.run(['wc', '-l', '/visits'])).stdout.toString(), '18 /visits\n');
  });

  law('runs one program without a session as in one, many at once, and leaves it as it was', async (rootfs) => {
    await using made = await make(rootfs);
    const run = made.instance.exec?.bind(made.instance);
    if (run === undefined) return;
    const was = await made.instance.status();
    await using out = closing(capture());
    const streams = { stdin: 'ignore', stdout: out.descriptor, stderr: out.descriptor } as const;
    const as = { user: { uid: 1234, gid: 2345, groups: [10], umask: 0o027 }, cwd: '/tmp', env: { A: 'b c' } };
    assert.equal(await run(['/bin/sh', '-c', 'id -u; id -G; umask; pwd; echo "$A"; exit 7'], { ...streams, ...as }), 7);
    assert.deepEqual(out.text().split('\n').slice(0, 5), ['1234', '2345 10', '0027', '/tmp', 'b c']);
    assert.equal(await run(['/bin/sh', '-c', 'kill -TERM $$'], streams), 128 + 15);
    assert.equal(await run(['/no/such/program'], streams), 127);
    await assert.rejects(run(['/bin/true'], { ...streams, cwd: '/no/such/folder' }));
    assert.equal(await run(['/bin/true'], { ...streams, cwd: '/no/such/folder', otherwise: '/' }), 0);
    const write = async (number: number) => await run(['/bin/sh', '-c', `echo ${number} >> /written`], streams);
    assert.deepEqual(await Promise.all([1, 2, 3, 4, 5].map(write)), [0, 0, 0, 0, 0]);
    // its process 1 needs a moment to see that nobody is in any more
    for (let tries = 0; tries < 100 && (await made.instance.status()) !== was; tries += 1) await sleep(20);
    assert.equal(await made.instance.status(), was);
    await using session = await made.instance.session();
    assert.equal((await session.run(['wc', '-l', '/written'])).stdout.toString(), '5 /written\n');
  });

  law('keeps running what was started until it is stopped', async (rootfs) => {
    await using made = await make(rootfs);
    await made.instance.start();
    assert.equal(await made.instance.status(), 'running');
    {
      await using session = await made.instance.session();
      await session.run([
        'sh',
        '-c',
        `setsid sh -c "while :; do sleep 0.1; date +%s%N > /tmp/beat.new; mv /tmp/beat.new /tmp/beat; done" beat-${process.pid} >/dev/null 2>&1 &`,
      ]);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    const again = await backend.attach(made.record, params, made.context);
    assert.equal(await again.status(), 'running');
    {
      await using session = await again.session();
      const beat = async () => (await session.run(['cat', '/tmp/beat'])).stdout.toString();
      const first = await beat();
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.notEqual(await beat(), first);
    }
    await again.stop();
    assert.equal(await again.status(), 'stopped');
    await again.stop();
    await again.start();
    {
      await using session = await again.session();
      const left = await session.run(['sh', '-c', 'cat /proc/[0-9]*/cmdline'], { accept: 'any' });
      assert.doesNotMatch(left.stdout.toString(), new RegExp(`beat-${process.pid}`));
    }
  });

  inside('has a loopback of its own, and low ports', async (session) => {
    const program = `
      use Socket; socket(my $l, PF_INET, SOCK_STREAM, 0); bind($l, pack_sockaddr_in(80, INADDR_LOOPBACK)) or die $!;
      listen($l, 1); socket(my $c, PF_INET, SOCK_STREAM, 0); connect($c, pack_sockaddr_in(80, INADDR_LOOPBACK)) or die $!;
      print "connected"`;
    assert.equal((await session.run(['perl', '-e', program])).stdout.toString(), 'connected');
  });

  law('shows nothing of this machine but what is named', async (rootfs) => {
    const shown = folder('shown');
    const hidden = folder('hidden');
    writeFileSync(join(shown, 'file'), 'shown\n');
    mkdirSync(join(shown, 'rw'));
    try {
      const mounts = [
        { source: shown, path: '/mnt/ro', readonly: true },
        { source: join(shown, 'rw'), path: '/srv/rw', readonly: false },
      ];
      await using made = await make(rootfs, { ...asked, mounts });
      await using session = await made.instance.session();
      const isConfined = asked.level === 'confined';
      const script = `cat /mnt/ro/file; echo x 2>/dev/null >/mnt/ro/new && echo WRITTEN; echo y >/srv/rw/new; ls ${hidden} 2>/dev/null && echo SEEN; ${isConfined ? 'ls /sys/class/net' : ''}`;
      const expected = isConfined ? 'shown\nlo\n' : 'shown\n';
      assert.equal((await session.run(['sh', '-c', script], { accept: 'any' })).stdout.toString(), expected);
      assert.equal(readFileSync(join(shown, 'rw/new'), 'utf8'), 'y\n');
    } finally {
      for (const path of [shown, hidden]) rmSync(path, { recursive: true, force: true });
    }
  });

  law('says so when what is to be mounted is not there', async (rootfs) => {
    const mounts = [{ source: '/no/such/folder', path: '/mnt', readonly: true }];
    await assert.rejects(make(rootfs, { ...asked, mounts }), { name: 'UserError' });
  });

  law('leaves nothing behind when it is removed, however often', async (rootfs) => {
    const made = await make(rootfs);
    await made.instance.start();
    await made.instance.remove();
    assert.equal(await made.instance.status(), 'gone');
    await made.instance.remove();
    await backend.sweep(made.record, params, made.context);
    assert.equal(await (await backend.attach(made.record, params, made.context)).status(), 'gone');
    await made[Symbol.asyncDispose]();
  });

  for (const moment of ['launched', 'started', 'running'] as const) {
    law(`leaves nothing that sweep does not find when we are killed: ${moment}`, async (rootfs) => {
      const top = folder('killed');
      const state = join(top, 'instance');
      const name = `k-${process.pid}-${moment}`;
      const marker = `/tmp/marker-${name}`;
      const victim = spawn(
        process.execPath,
        [
          fileURLToPath(new URL('backend-victim.ts', import.meta.url)),
          under.module.href,
          under.exported,
          moment,
          top,
          name,
          marker,
        ],
        { stdio: ['pipe', 'pipe', 'inherit'] },
      );
      victim.stdin.end(JSON.stringify({ rootfs, params, confinement: asked }));
      await new Promise((resolve) => victim.stdout.once('data', resolve));
      victim.kill('SIGKILL');
      await new Promise((resolve) => victim.once('exit', resolve));
      const context = backendContext(state);
      const image = await backend.assemble(rootfs, params, backendContext(join(top, 'image')));
      const record = { name, backend: backend.name, image, confinement: asked, facts: recorded(state) };
      await backend.sweep(record, params, context);
      await backend.sweep(record, params, context);
      assert.equal(await (await backend.attach(record, params, context)).status(), 'gone');
      assert.deepEqual(await processesWith(marker), []);
      rmSync(top, { recursive: true, force: true });
    });
  }
}
