import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import type { Backend, Confinement, InstanceRecord, Session } from '../../src/contract/index.ts';
import { CommandFailed } from '../../src/sessions/process.ts';
import { closing, stream, tarOf } from './backend-helpers.ts';
import { backendContext, capture, folder } from './backend-fixture.ts';

export interface PlaceUnderTest<P> {
  readonly backend: Backend<P>;
  readonly params: P;
  /** A folder of the place that is a test's own, as this machine sees it; default: one of this machine. */
  folder?(): string;
}

const trusted: Confinement = { level: 'trusted', network: 'host', mounts: [] };

/**
 * The laws of a backend whose places are there already: those of `testBackend` that need neither a tree of its own nor
 * isolation. Nothing is written outside of one folder.
 */
export function testPlace<P>({ backend, params, folder: own = () => folder('place') }: PlaceUnderTest<P>): void {
  const inside = (name: string, body: (session: Session, top: string) => Promise<void>): void => {
    test(`${backend.name}: ${name}`, async () => {
      const top = own();
      const session = await backend.open?.(params, backendContext(join(top, 'instance')));
      assert.ok(session !== undefined);
      await using place = session;
      await body(place, top);
    });
  };

  test(`${backend.name}: says that it is usable, and with what`, async () => {
    const answer = await backend.probe(params, backendContext(folder('probe')));
    assert.equal(answer.usable, true);
    assert.notEqual(answer.usable && answer.detail, '');
  });

  inside('runs programs: status, streams, input', async (session) => {
    const result = await session.run(['sh', '-c', 'cat; echo err >&2; exit 3'], { input: 'in\0\xff', accept: [3] });
    assert.deepEqual([result.status, result.stdout.toString(), result.stderr.toString()], [3, 'in\0\xff', 'err\n']);
    await assert.rejects(session.run(['false']), CommandFailed);
    assert.equal((await session.run(['no-such-program'], { accept: 'any' })).status, 127);
    assert.equal((await session.run(['/etc/passwd'], { accept: 'any' })).status, 126);
  });

  inside('passes words as they are, the environment exactly, and the working directory', async (session) => {
    const words = ['a b', '$(id)', "'", '"', '\n', '', '-n', '*', '\\', 'é'];
    const { stdout } = await session.run(['perl', '-e', 'print join "\\0", @ARGV', '--', ...words]);
    assert.equal(stdout.toString(), words.join('\0'));
    const env = { PATH: '/usr/bin:/bin', ODD: 'a=b\nc', EMPTY: '' };
    const seen = (await session.run(['env', '-0'], { env, cwd: '/usr/share' })).stdout.toString().split('\0');
    for (const [name, value] of Object.entries(env)) assert.ok(seen.includes(`${name}=${value}`), name);
    assert.ok(!seen.some((pair) => pair.startsWith('REPRONIM_') || pair.startsWith('NODE_')));
    assert.equal((await session.run(['pwd', '-P'], { cwd: '/usr/share' })).stdout.toString(), '/usr/share\n');
  });

  inside('runs as whom it is asked to, on descriptors of ours', async (session) => {
    const root = process.getuid?.() === 0;
    const [uid, gid] = root ? [1234, 2345] : [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
    await using out = closing(capture());
    const streams = { stdin: 'ignore', stdout: out.descriptor, stderr: out.descriptor } as const;
    const user = { uid, gid, umask: 0o027, ...(root ? { groups: [10] } : {}) };
    assert.equal(await session.exec(['sh', '-c', 'id -u; umask; pwd; exit 7'], { ...streams, user, cwd: '/usr' }), 7);
    assert.equal(out.text(), `${uid}\n0027\n/usr\n`);
    assert.equal(await session.exec(['sh', '-c', 'kill -TERM $$'], streams), 128 + 15);
    assert.equal(await session.exec(['no-such-program'], streams), 127);
  });

  inside('writes files, and packs and unpacks trees as they are', async (session, top) => {
    await session.write(join(top, 'a/b/file'), 'two\n', 0o750);
    await session.run(['ln', '-s', '/etc/passwd', join(top, 'a/link')]);
    await session.write(join(top, 'a/link'), 'mine\n');
    assert.equal(readFileSync(join(top, 'a/link'), 'utf8'), 'mine\n');
    assert.match(readFileSync('/etc/passwd', 'utf8'), /^root:/m);
    await session.run(['ln', '-s', '../b/file', join(top, 'a/b/again')]);
    await session.untar(session.tar([join(top, 'a')]), join(top, 'out'));
    const list = ['find', '.', '-printf', '%p %m %y %l\n'] as const;
    const was = (await session.run(list, { cwd: join(top, 'a') })).stdout.toString();
    assert.match(was, /file 750 f/);
    assert.equal((await session.run(list, { cwd: join(top, 'out', top, 'a') })).stdout.toString(), was);
  });

  inside('lets no member of an archive leave its folder', async (session, top) => {
    const victim = join(top, 'victim');
    writeFileSync(victim, 'safe\n');
    mkdirSync(join(top, 'box'));
    const evil = [
      [
        { name: 'way', type: '2', link: top },
        { name: 'way/victim', type: '0', content: 'pwned\n' },
      ],
      [{ name: '../victim', type: '0', content: 'pwned\n' }],
      [
        { name: 'hard', type: '1', link: '../victim' },
        { name: 'hard', type: '0', content: 'pwned\n' },
      ],
    ] as const;
    for (const members of evil) await session.untar(stream(tarOf(members)), join(top, 'box')).catch(() => {});
    assert.equal(readFileSync(victim, 'utf8'), 'safe\n');
  });

  test(`${backend.name}: an instance is there until it is removed, and the place stays`, async () => {
    const top = own();
    const context = backendContext(join(top, 'instance'));
    await (await backend.open?.(params, context))?.[Symbol.asyncDispose]();
    const image = { backend: backend.name, reference: '/', rootfs: '' };
    const record: InstanceRecord = { name: 't-place', backend: backend.name, image, confinement: trusted, facts: {} };
    const instance = await backend.attach(record, params, context);
    assert.equal(await instance.status(), 'running');
    await instance.start();
    await instance.stop();
    {
      await using session = await instance.session();
      assert.equal((await session.run(['echo', 'here'])).stdout.toString(), 'here\n');
    }
    await instance.remove();
    await instance.remove();
    await backend.sweep(record, params, context);
    assert.equal(await (await backend.attach(record, params, context)).status(), 'gone');
    rmSync(top, { recursive: true, force: true });
  });
}
