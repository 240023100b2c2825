import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { rpmDatabases } from '../../../../test/fakes/rpm-databases.ts';
import { laySmallRoot, smallHeader, smallSystem } from '../../../../test/fakes/small-rpm.ts';
import { localRoot } from '../../../roots/local.ts';
import { parseHeader } from '../header.ts';
import { readBdb } from './bdb.ts';
import { readDatabase } from './database.ts';
import { readNdb } from './ndb.ts';
import { filesOf, toPackage } from './package.ts';
import { readSqlite } from './sqlite.ts';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-rpm-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

for (const format of ['sqlite', 'ndb', 'bdb'] as const) {
  test(`packages of a ${format} database, by what it has, not by its name`, async (t) => {
    const folder = folderOf(t);
    laySmallRoot(folder, smallSystem, format);
    const database = await readDatabase(localRoot(folder));
    assert.equal(database.format, format);
    assert.deepEqual(
      database.packages.map(({ key, version }) => [key, version]),
      [
        ['dash.x86_64', '1:0.5~rc1-2.el8'],
        ['filesystem.noarch', '3.8-6.el8'],
        ['tool.x86_64', '1.0-1'],
      ],
    );
    const files = database.packages.flatMap(filesOf);
    assert.equal(files.find(({ path }) => path === '/bin')?.link, 'usr/bin');
    assert.equal(files.find(({ path }) => path === '/etc/tool.conf')?.flags, 17);
  });
}

test('two versions of a package have a key each, and keys of rpm are no packages', async (t) => {
  const folder = folderOf(t);
  const kernel = (release: string) => ({
    name: 'kernel',
    version: '4.18.0',
    release,
    architecture: 'x86_64',
    files: [],
  });
  laySmallRoot(folder, [
    kernel('1.el8'),
    kernel('2.el8'),
    { name: 'gpg-pubkey', version: '8483c65d', release: '5ccc5b19', files: [] },
  ]);
  const { packages, keys } = await readDatabase(localRoot(folder));
  assert.deepEqual(
    packages.map(({ key }) => key),
    ['kernel-4.18.0-1.el8.x86_64', 'kernel-4.18.0-2.el8.x86_64'],
  );
  assert.deepEqual(
    keys.map(({ evr }) => evr.version),
    ['8483c65d'],
  );
});

test('a database that is none costs a note with its path', async (t) => {
  const folder = folderOf(t);
  laySmallRoot(folder, smallSystem, 'sqlite');
  const file = join(folder, 'var/lib/rpm/rpmdb.sqlite');
  writeFileSync(file, readFileSync(file).subarray(0, 5000));
  const { packages, notes } = await readDatabase(localRoot(folder));
  assert.equal(packages.length, 0);
  assert.deepEqual(
    notes.map(({ kind, path }) => [kind, path]),
    [['unreadable', '/var/lib/rpm/rpmdb.sqlite']],
  );
});

test('a header whose paths lead out of the root loses these, and only these', () => {
  const one = toPackage(
    smallHeader({
      name: 'bad',
      version: '1',
      release: '1',
      files: [
        { path: '/usr/../../etc/shadow', content: '' },
        { path: '/usr/bin/good', content: '' },
      ],
    }),
  );
  assert.ok(one);
  assert.deepEqual(
    filesOf(one).map(({ path }) => path),
    ['/usr/bin/good'],
  );
});

test('garbage is refused or lessened by every reader, at once', async () => {
  const blobs = smallSystem.map(smallHeader);
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff; // ANSI C's example of rand()
    return state % below;
  };
  const mutate = (bytes: Buffer): Buffer => {
    const copy = Buffer.from(bytes);
    for (let left = 1 + random(8); left > 0; left--) copy[random(copy.length)] = random(256);
    return random(4) === 0 ? copy.subarray(0, random(copy.length)) : copy;
  };
  const header = blobs[2] ?? Buffer.alloc(0);
  const { ndb, bdb, sqlite } = rpmDatabases;
  const databases = { ndb: ndb.of(blobs), bdb: bdb.of(blobs), sqlite: sqlite.of(blobs) };
  const begun = performance.now();
  for (let round = 0; round < 2000; round++) {
    const one = toPackage(mutate(header));
    if (one !== undefined) for (const { path } of filesOf(one)) assert.match(path, /^\//);
    parseHeader(mutate(header));
    for (const read of [readNdb, readBdb]) {
      try {
        for (const blob of read(mutate(read === readNdb ? databases.ndb : databases.bdb)).blobs) toPackage(blob);
      } catch (error) {
        assert.match((error as Error).message, /^(?:it is|its pages)/);
      }
    }
    if (round % 40 === 0)
      await readSqlite(mutate(databases.sqlite)).catch((error: unknown) => assert.ok(error instanceof Error));
  }
  assert.ok(performance.now() - begun < 20_000);
});
