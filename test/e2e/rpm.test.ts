import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { readSpec } from '../../src/formats/spec/read.ts';
import { redhat } from '../../src/distributions/redhat/index.ts';
import { distributions } from '../../src/distributions/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { localRoot } from '../../src/roots/local.ts';
import { digestOf } from '../../src/model/index.ts';
import { readAttribution } from '../../src/toolkits/rpm/read/attribution.ts';
import { readDatabase } from '../../src/toolkits/rpm/read/database.ts';
import { filesOf } from '../../src/toolkits/rpm/read/package.ts';
import { contexts } from '../fakes/contexts.ts';
import { rpmDatabases } from '../fakes/rpm-databases.ts';
import { commandIn } from './command.ts';
import { withDockerd } from './dockerd.ts';
import { scratch } from './need.ts';
import { databasePath, makeRpmWorld, type RpmWorld } from './rpm-world.ts';

const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: '/nonexistent' };
const folder = scratch('rpm', 3 * 2 ** 30);
let world: RpmWorld;

before(async () => {
  world = await makeRpmWorld(folder);
});

/** The same root with its database in another form; files are shared with the first. */
async function rootWith(format: keyof typeof rpmDatabases): Promise<string> {
  const to = join(folder, `root-${format}`);
  await runProcess(['cp', '-al', '--', world.root, to], { env });
  const { packages } = await readDatabase(localRoot(world.root));
  rmSync(join(to, databasePath), { recursive: true });
  await runProcess(['mkdir', join(to, databasePath)], { env });
  const { file, of } = rpmDatabases[format];
  writeFileSync(join(to, databasePath, file), of(packages.map(({ header }) => header.blob)));
  return to;
}

test('every file of the database is owned, in all three forms, and rpm reads what we take for a Berkeley DB', async () => {
  const expected = await readAttribution(localRoot(world.root));
  assert.ok(expected.database.packages.length > 40);
  for (const format of ['sqlite', 'ndb', 'bdb'] as const) {
    const directory = format === 'sqlite' ? world.root : await rootWith(format);
    const { database, ownersOf, canonical } = await readAttribution(localRoot(directory));
    assert.equal(database.format, format);
    assert.deepEqual(database.notes, []);
    assert.deepEqual(
      database.packages.map(({ key, version }) => `${key} ${version}`),
      expected.database.packages.map(({ key, version }) => `${key} ${version}`),
    );
    for (const one of database.packages) {
      for (const { path } of filesOf(one)) {
        assert.ok(
          ownersOf(canonical(path))?.some(({ key }) => key === one.key),
          path,
        );
      }
    }
  }
  const bdb = ['--dbpath', join(folder, 'root-bdb', databasePath), '--define', '_db_backend bdb_ro'];
  const query = ['-qa', '--qf', '%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE}\n'];
  const seen = await runProcess(['rpm', ...bdb, ...query], { env });
  const real = await runProcess(['rpm', '--dbpath', join(world.root, databasePath), ...query], { env });
  assert.deepEqual(seen.stdout.toString().split('\n').sort(), real.stdout.toString().split('\n').sort());
});

test('an rpm root is traced, comes back on chroot and docker from each form of its database, and is verified', async () => {
  const ends: (() => Promise<void>)[] = [];
  const address = await withDockerd({ after: (end) => ends.push(end) });
  const repronim = commandIn(join(folder, 'home'));
  const made: string[] = [];
  try {
    const prints = new Map<string, unknown>();
    for (const format of ['sqlite', 'ndb', 'bdb'] as const) {
      const file = join(folder, `${format}.yaml`);
      const directory = format === 'sqlite' ? world.root : join(folder, `root-${format}`);
      const traced = await repronim('trace', '--in', `root:${directory}`, '-o', file, '--path', '/usr/bin/sample');
      assert.equal(traced.status, 0, traced.stderr);
      const { spec } = readSpec(readFileSync(file), { file, distributions });
      const lock = spec.lock?.distributions?.['redhat'] as unknown as {
        database: { format: string };
        packages: { name: string }[];
      };
      assert.equal(lock.database.format, format);
      assert.ok(lock.packages.some(({ name }) => name === 'rpm'));
      const backends = format === 'sqlite' ? [['chroot'], ['docker', '--set', `host=${address}`]] : [['chroot']];
      for (const [backend = '', ...set] of backends) {
        const name = `rpm-${format}-${backend}`;
        const created = await repronim('create', name, file, '-b', backend, ...set);
        assert.equal(created.status, 0, created.stderr);
        made.push(name);
        const verified = await repronim('verify', '--json', name);
        assert.equal(verified.status, 0, verified.stdout + verified.stderr);
        const verdict = JSON.parse(verified.stdout) as {
          fingerprint: unknown;
          levels: { packages: { checked: number } };
        };
        assert.equal(verdict.levels.packages.checked, lock.packages.length);
        prints.set(name, verdict.fingerprint);
        const said = await repronim('exec', name, '--', 'sample');
        assert.equal(said.stdout, 'sample\n', said.stderr);
        const state = await repronim('exec', name, '--', 'rpm', '--dbpath', databasePath, '-Va');
        assert.equal(state.stdout, '', 'rpm finds nothing');
      }
    }
    assert.deepEqual(prints.get('rpm-sqlite-docker'), prints.get('rpm-sqlite-chroot'));
    assert.deepEqual(prints.get('rpm-ndb-chroot'), prints.get('rpm-sqlite-chroot'));
    assert.deepEqual(prints.get('rpm-bdb-chroot'), prints.get('rpm-sqlite-chroot'));
  } finally {
    for (const name of made) await repronim('delete', '--yes', name);
    for (const end of ends) await end();
  }
});

test('what is planted is found as rpm -Va finds it, and nothing else', async (t) => {
  const directory = join(folder, 'planted');
  await runProcess(['cp', '-a', '--', world.root, directory], { env });
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const { tracing } = contexts(t);
  const at = (path: string) => join(directory, path);
  const [described] = (
    await redhat.describe(
      await redhat.claim(['/usr/bin/sample'], localRoot(directory), tracing),
      localRoot(directory),
      { ...tracing, keep: false },
    )
  ).distributions;
  assert.ok(described);
  const { spec } = described;
  // against the packages alone: what had been changed before is no concern here
  const lock = { of: digestOf(spec), ...described.lock, changed: [] };
  const before = await asRpm(directory);
  writeFileSync(at('/usr/share/sample/one-again'), 'onE\n');
  const { atimeMs, mtimeMs } = { atimeMs: 0, mtimeMs: 0 };
  utimesSync(at('/usr/share/sample/one-again'), atimeMs, mtimeMs);
  writeFileSync(at('/usr/share/sample/two'), 'longer than it was\n');
  chmodSync(at('/usr/share/sample/three'), 0o600);
  chownSync(at('/usr/share/sample/four'), 1, 1);
  unlinkSync(at('/usr/share/sample/five'));
  unlinkSync(at('/usr/bin/sample-link'));
  symlinkSync('other', at('/usr/bin/sample-link'));
  chmodSync(at('/var/lib/sample'), 0o755);
  writeFileSync(at('/etc/sample.conf'), 'a = 2\n');
  unlinkSync(at('/etc/sample.d/b.conf'));
  writeFileSync(at('/etc/sample.state'), 'a ghost may be anything\n');
  writeFileSync(at('/etc/passwd'), `${readFileSync(at('/etc/passwd'), 'utf8')}\n`);
  const rpm = await asRpm(directory);
  const ours = await redhat.check?.(spec, lock, localRoot(directory), tracing);
  const found = (ours?.differing ?? []).filter(({ kind }) => kind !== 'unknown').map(({ path }) => path);
  assert.deepEqual(before, []);
  assert.deepEqual([...new Set(found)].sort(), rpm);
  assert.equal(rpm.length, 10);
  assert.deepEqual(
    (ours?.differing ?? []).filter(({ kind }) => kind !== 'unknown').map(({ path, kind }) => `${path} ${kind}`),
    [
      '/etc/sample.conf changed',
      '/etc/sample.d/b.conf missing',
      '/usr/bin/sample-link changed',
      '/usr/share/sample/five missing',
      '/usr/share/sample/four owner',
      '/usr/share/sample/one changed',
      '/usr/share/sample/one-again changed',
      '/usr/share/sample/three mode',
      '/usr/share/sample/two changed',
      '/var/lib/sample mode',
    ],
  );
});

/** Paths of which `rpm -Va` says more than that their times are others. */
async function asRpm(directory: string): Promise<string[]> {
  const { stdout } = await runProcess(['rpm', '--root', directory, '--dbpath', databasePath, '-Va'], {
    env,
    accept: 'any',
  });
  return stdout
    .toString()
    .split('\n')
    .flatMap((line) => {
      const [, flags = '', path = ''] = /^(\S+)\s+(?:[a-z]\s+)?(\/.*)$/.exec(line) ?? [];
      return path === '' || flags === '.......T.' ? [] : [path];
    })
    .sort();
}

after(() => rmSync(folder, { recursive: true, force: true }));
