import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  mkdirSync,
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
import { fetchAll } from '../../src/archives/fetch.ts';
import { openStore } from '../../src/archives/store.ts';
import { places } from '../../src/inventory/places.ts';
import type { Wanted } from '../../src/contract/index.ts';
import type { RpmLock, RpmSpec } from '../../src/toolkits/rpm/spec.ts';
import { serve } from '../fakes/serve.ts';
import { contexts } from '../fakes/contexts.ts';
import { rpmDatabases } from '../fakes/rpm-databases.ts';
import { commandIn } from './command.ts';
import { withDockerd } from './dockerd.ts';
import { need, scratch } from './need.ts';
import { byDnf, dnfRoot } from './rpm-oracle.ts';
import { databasePath, makeRpmWorld, type RpmWorld } from './rpm-world.ts';
import { differences } from './trees.ts';

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
  await need('libcap2-bin');
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
  await runProcess(['setcap', '-r', at('/usr/bin/sample-raw')], { env });
  const rpm = await asRpm(directory);
  const ours = await redhat.check?.(spec, lock, localRoot(directory), tracing);
  const found = (ours?.differing ?? []).filter(({ kind }) => kind !== 'unknown').map(({ path }) => path);
  assert.deepEqual(before, []);
  assert.deepEqual([...new Set(found)].sort(), rpm);
  assert.equal(rpm.length, 11);
  assert.deepEqual(
    (ours?.differing ?? []).filter(({ kind }) => kind !== 'unknown').map(({ path, kind }) => `${path} ${kind}`),
    [
      '/etc/sample.conf changed',
      '/etc/sample.d/b.conf missing',
      '/usr/bin/sample-link changed',
      '/usr/bin/sample-raw capability',
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

test('what dnf remembers leads to the repository, keys vouch, and packages of a live environment change', async (t) => {
  await need('dnf', 'createrepo-c', 'gpg', 'gpgv');
  const home = join(folder, 'signer');
  const repository = join(folder, 'repository');
  const directory = join(folder, 'by-dnf');
  const sh = async (script: string, ...words: readonly string[]) =>
    await runProcess(['/bin/sh', '-euc', script, 'sh', ...words], { env: { ...env, HOME: home, GNUPGHOME: home } });
  mkdirSync(home, { mode: 0o700 });
  // this machine's rpm has its database in the home, without this
  writeFileSync(join(home, '.rpmmacros'), `%_dbpath ${databasePath}\n`);
  await sh(
    'cp -al "$1" "$2"; gpg --batch --quiet --passphrase "" --quick-gen-key tester rsa2048',
    world.packages,
    repository,
  );
  await sh('cp "$1"/sample-*.rpm "$1"/s; mv "$1"/s "$1"/$(basename "$1"/sample-*.rpm)', repository);
  await sh(
    'rpmsign --define "_gpg_name tester" --define "__gpg /usr/bin/gpg" --addsign "$1"/sample-*.rpm; gpg --armor --export >"$2"/key; createrepo_c -q "$1"',
    repository,
    home,
  );
  await using served = await serve(repository);
  t.after(() => sh('gpgconf --kill all'));
  await sh(
    'mkdir -p "$1/etc/yum.repos.d"; printf "[local]\\nname=Local \\$releasever\\nbaseurl=%s\\ngpgcheck=0\\n" "$2" >"$1/etc/yum.repos.d/local.repo"',
    directory,
    served.url,
  );
  await sh(
    'dnf -y -q --installroot="$1" --releasever=8 --setopt=reposdir="$1/etc/yum.repos.d" --setopt=cachedir="$1/var/cache/dnf" install sample rpm bash coreutils >&2; rpm --root "$1" --import "$2/key"',
    directory,
    home,
  );
  const repronim = commandIn(join(folder, 'home'));
  const file = join(folder, 'dnf.yaml');
  const traced = await repronim('trace', '--in', `root:${directory}`, '-o', file, '--path', '/usr/bin/sample');
  assert.equal(traced.status, 0, traced.stderr);
  const { spec } = readSpec(readFileSync(file), { file, distributions });
  const entry = spec.distributions.find(({ type }) => type === 'redhat') as RpmSpec;
  const lock = spec.lock?.distributions?.['redhat'] as RpmLock;
  assert.deepEqual(entry.sources, [{ name: 'local', uri: served.url, label: 'Local 8' }]);
  assert.ok(
    lock.packages.every(({ from, path, repacked }) => from === 'local' && path !== undefined && repacked !== true),
  );
  assert.equal(Object.keys(lock.keys ?? {}).length, 1);
  const { creating } = contexts(t);
  const store = openStore(places({ REPRONIM_HOME: join(folder, 'home') }).store);
  const context = {
    ...creating,
    store,
    fetch: async (wanted: readonly Wanted[]) => await fetchAll(wanted, { ...creating, store }),
  };
  const vouched = await redhat.trust?.(entry, lock, context);
  assert.deepEqual([vouched?.byMachine, vouched?.byBundle, vouched?.byNobody.length], [0, 1, lock.packages.length - 1]);

  const name = 'rpm-by-dnf';
  t.after(() => repronim('delete', '--yes', name));
  const ok = async (...words: readonly string[]) => {
    const said = await repronim(...words);
    assert.equal(said.status, 0, `${words.join(' ')}: ${said.stderr}${said.stdout}`);
    return said.stdout;
  };
  // dnf is the oracle: from a repository of these very .rpms it lays what we lay by the rpm that is among them
  await ok('create', name, file, '-b', 'chroot');
  const [ours, theirs] = [join(folder, 'by-us'), await dnfRoot(lock, store, join(folder, 'oracle'))];
  t.after(() => rmSync(ours, { recursive: true, force: true }));
  await redhat.bootstrap?.(entry, lock, ours, context);
  assert.deepEqual(await differences(localRoot(ours), localRoot(theirs), byDnf), []);
  const sameRows = await Promise.all(
    [ours, theirs].map(async (root) => (await readDatabase(localRoot(root))).packages),
  );
  const [laid, installed] = sameRows.map((list) => list.map(({ key, version }) => `${key} ${version}`));
  assert.deepEqual(laid, installed);
  // where no rpm is among them, this machine's does it, and leaves nothing of itself
  const lean = join(folder, 'without-rpm');
  t.after(() => rmSync(lean, { recursive: true, force: true }));
  await redhat.bootstrap?.(
    entry,
    { ...lock, packages: lock.packages.filter(({ name }) => name !== 'rpm') },
    lean,
    context,
  );
  const { ownersOf } = await readAttribution(localRoot(ours));
  const without = await differences(localRoot(ours), localRoot(lean), byDnf);
  assert.deepEqual(
    without.filter(
      (line) => !/: directory /.test(line) && ownersOf(line.replace(/: .*/, ''))?.[0]?.key !== 'rpm.x86_64',
    ),
    [],
  );
  assert.ok(without.some((line) => line.startsWith('/usr/bin/rpm: ')));

  await ok('verify', name);
  await ok('install', '--yes', '-r', name, 'sed', 'grep');
  const query = ['exec', name, '--', 'rpm', '--dbpath', databasePath] as const;
  assert.match(await ok(...query, '-q', 'sed', 'grep'), /^sed-.*\ngrep-/);
  await ok('verify', name);
  await ok('uninstall', '--yes', '-r', name, 'sample');
  assert.equal((await repronim(...query, '-q', 'sample')).status, 1);
  await ok('verify', name);

  const loose = join(folder, 'loose.yaml');
  const exact = join(folder, 'exact.yaml');
  writeFileSync(
    loose,
    `repronim: 1\ndistributions:\n- type: redhat\n  id: system\n  release: "9"\n  sources:\n  - {name: local, uri: "${served.url}"}\n  packages:\n  - sample>=2:1.0~rc1\n  - pair\n  - pair.i686=1.0\n- type: redhat\n  id: old\n  base: system\n  path: /opt/old\n  release: "8"\n  sources:\n  - {name: local, uri: "${served.url}"}\n  packages: [sample]\n`,
  );
  await ok('resolve', loose, '-o', exact);
  const resolved = readSpec(readFileSync(exact), { file: exact, distributions }).spec.lock?.distributions?.[
    'system'
  ] as RpmLock;
  const versions = new Map(lock.packages.map((one) => [one.name, one]));
  for (const one of resolved.packages) {
    const traced = versions.get(one.name);
    if (traced !== undefined) assert.deepEqual([one.version, one.sha256], [traced.version, traced.sha256]);
  }
  assert.equal(resolved.packages.find((one) => one.name === 'sample')?.why, 'manual');
  assert.ok(resolved.packages.some((one) => one.name === 'rpm'));
  const pairs = resolved.packages.filter((one) => one.name === 'pair').map((one) => one.architecture);
  assert.deepEqual(pairs, ['i686', 'x86_64'], 'a name alone is of the own architecture');

  // what has a path is a tree of its own in what it stands on
  const both = 'rpm-in-rpm';
  t.after(() => repronim('delete', '--yes', both));
  await ok('create', both, exact, '-b', 'chroot');
  await ok('verify', both);
  assert.equal(await ok('exec', both, '--', '/opt/old/usr/bin/sample'), 'sample\n');
  await ok('exec', both, '--', 'sh', '-c', 'echo x >/opt/old/usr/share/sample/one; rm /opt/old/usr/share/sample/two');
  const wrong = await repronim('verify', both, '--json');
  assert.equal(wrong.status, 3);
  const { levels } = JSON.parse(wrong.stdout) as {
    levels: { contents: { differing: { path: string; kind: string }[] } };
  };
  assert.deepEqual(
    levels.contents.differing.map(({ path, kind }) => `${path} ${kind}`),
    ['/opt/old/usr/share/sample/one changed', '/opt/old/usr/share/sample/two missing'],
  );
});

after(() => rmSync(folder, { recursive: true, force: true }));
