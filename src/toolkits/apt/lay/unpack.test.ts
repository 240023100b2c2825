import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { UserError } from '../../../model/index.ts';
import { sha256 } from '../../../model/index.ts';
import { payloadOf, type DebFile } from './payload.ts';
import { testDeb, type TestMember } from '../../../../test/fakes/deb.ts';
import { makeFolder, makeLink, openTree, unpack } from './unpack.ts';

const folder = mkdtempSync(join(tmpdir(), 'repronim-unpack-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;

/** Lays one package of these members into a fresh tree. */
async function lay(
  members: readonly TestMember[],
  prepare: (root: string) => void = () => {},
  skip: readonly string[] = [],
) {
  const own = join(folder, String((count += 1)));
  const [root, cache] = [join(own, 'root'), join(own, 'cache')];
  for (const path of [own, root, cache]) mkdirSync(path);
  prepare(root);
  const payload = await payloadOf(written(own, testDeb(members)), cache);
  const owned: unknown[] = [];
  const tree = openTree(root, 'manifest', (...owner) => owned.push(owner));
  const fd = openSync(payload.file, 'r');
  try {
    unpack({ what: 'hostile 1', ...payload, skip }, fd, tree);
  } finally {
    closeSync(fd);
  }
  return { root, own, owned, payload };
}

function written(own: string, content: Buffer): DebFile {
  const file = join(own, 'hostile.deb');
  writeFileSync(file, content);
  return { name: 'hostile', version: '1', architecture: 'all', sha256: sha256(content), file };
}

test('files, links, modes and times come as they are', async () => {
  const { root, owned, payload } = await lay([
    { name: './', type: 'directory', mode: 0o755 },
    { name: './usr', type: 'directory', mode: 0o755 },
    { name: './usr/tool', content: 'tool', mode: 0o4755, mtimeMs: 1_600_000_000_000 },
    { name: './usr/again', type: 'hardlink', target: './usr/tool', mode: 0o4755 },
    { name: './usr/short', type: 'link', target: 'tool', mode: 0o777 },
    { name: './usr/secret', content: 's', mode: 0o640, gid: 42 },
    { name: './usr/big', content: 'x'.repeat(3_000_001) },
    { name: './usr/üñ', content: 'u' },
  ]);
  const stat = lstatSync(join(root, 'usr/tool'));
  assert.equal(stat.mode & 0o7777, 0o4755);
  assert.equal(stat.mtimeMs, 1_600_000_000_000);
  assert.equal(lstatSync(join(root, 'usr/again')).ino, stat.ino);
  assert.equal(readlinkSync(join(root, 'usr/short')), 'tool');
  assert.equal(statSync(join(root, 'usr/big')).size, 3_000_001);
  assert.equal(readFileSync(join(root, 'usr/üñ'), 'utf8'), 'u');
  assert.deepEqual(owned, [['/usr/secret', 0, 42]]);
  assert.deepEqual(payload.entries.slice(0, 3), ['d/', 'd/usr', 'f/usr/tool']);
});

test('a link to a folder stays, and is gone through', async () => {
  const { root } = await lay(
    [
      { name: './lib', type: 'directory', mode: 0o755 },
      { name: './lib/x', content: 'x' },
    ],
    (at) => {
      mkdirSync(join(at, 'usr/lib'), { recursive: true });
      symlinkSync('usr/lib', join(at, 'lib'));
    },
  );
  assert.ok(lstatSync(join(root, 'lib')).isSymbolicLink());
  assert.equal(readFileSync(join(root, 'usr/lib/x'), 'utf8'), 'x');
});

test("another package's path is left out, and the rest is still checked", async () => {
  const { root } = await lay(
    [
      { name: './a', content: 'a'.repeat(5000) },
      { name: './b', content: 'b' },
    ],
    undefined,
    ['/a'],
  );
  assert.equal(existsSync(join(root, 'a')), false);
  assert.equal(readFileSync(join(root, 'b'), 'utf8'), 'b');
});

test('links of a package lead nowhere out of the tree', async () => {
  for (const target of [folder, '/', '../../../../..', '../..', `..${folder}`]) {
    const { root, own } = await lay([
      { name: './out', type: 'link', target },
      { name: './out/planted', content: 'gotcha' },
    ]);
    assert.equal(existsSync(join(folder, 'planted')), false, target);
    assert.equal(existsSync(join(own, 'planted')), false, target);
    assert.equal(existsSync('/planted'), false, target);
    assert.ok([join(root, 'planted'), join(root, folder, 'planted')].some(existsSync), target);
  }
});

test('a file never goes through a link of the same name', async () => {
  const victim = join(folder, 'victim');
  writeFileSync(victim, 'mine');
  const { root } = await lay([{ name: './f', content: 'theirs' }], (at) => {
    symlinkSync(victim, join(at, 'f'));
  });
  assert.equal(readFileSync(victim, 'utf8'), 'mine');
  assert.equal(readFileSync(join(root, 'f'), 'utf8'), 'theirs');
});

const refused: readonly (readonly [string, readonly TestMember[]])[] = [
  ['an absolute name', [{ name: '/etc/x', content: 'x' }]],
  ['a name that climbs', [{ name: './../x', content: 'x' }]],
  ['a name that climbs within', [{ name: './a/../../x', content: 'x' }]],
  ['a device', [{ name: './dev/sda', type: 'block', device: [8, 0] }]],
  ['a character device', [{ name: './dev/mem', type: 'character', device: [1, 1] }]],
  ['a fifo', [{ name: './p', type: 'fifo' }]],
  [
    'one path twice',
    [
      { name: './a', content: '1' },
      { name: './a', content: '2' },
    ],
  ],
  [
    'a link and a file of one name',
    [
      { name: './a', type: 'link', target: '/etc' },
      { name: './a', content: '2' },
    ],
  ],
  ['a hard link out of the tree', [{ name: './a', type: 'hardlink', target: '../../etc/passwd' }]],
  ['a hard link to an absolute path', [{ name: './a', type: 'hardlink', target: '/etc/passwd' }]],
  ['a hard link to nothing', [{ name: './a', type: 'hardlink', target: './etc/passwd' }]],
];
for (const [what, members] of refused) {
  test(`${what} is refused, and the package named`, async () => {
    await assert.rejects(
      lay(members),
      (error) => error instanceof UserError && /hostile 1.*refused/.test(error.message),
    );
  });
}

test('a payload is made once, and anew when it is broken or cut short', async () => {
  const own = join(folder, 'again');
  mkdirSync(own);
  const deb = written(own, testDeb([{ name: './a', content: 'a'.repeat(600) }]));
  const { file } = await payloadOf(deb, own);
  const made = readFileSync(file);
  const { ino } = statSync(file);
  await payloadOf(deb, own);
  assert.equal(statSync(file).ino, ino);
  truncateSync(file, 700);
  await payloadOf(deb, own);
  assert.ok(readFileSync(file).equals(made));
  const flipped = Buffer.from(made);
  flipped[made.length - 40] = (flipped[made.length - 40] ?? 0) ^ 1;
  writeFileSync(file, flipped);
  await payloadOf(deb, own);
  assert.ok(readFileSync(file).equals(made));
});

test('a flipped byte in a payload is noticed while it is unpacked', async () => {
  const own = join(folder, 'flipped');
  mkdirSync(join(own, 'root'), { recursive: true });
  const payload = await payloadOf(written(own, testDeb([{ name: './a', content: 'a'.repeat(600) }])), own);
  const bytes = readFileSync(payload.file);
  bytes[600] = (bytes[600] ?? 0) ^ 1;
  writeFileSync(payload.file, bytes);
  const fd = openSync(payload.file, 'r');
  try {
    assert.throws(
      () => unpack({ what: 'a 1', ...payload, skip: [] }, fd, openTree(join(own, 'root'), 'real')),
      UserError,
    );
  } finally {
    closeSync(fd);
  }
});

test('folders of their own mode, and links, are made first', () => {
  const root = join(folder, 'first');
  mkdirSync(root);
  const tree = openTree(root, 'manifest');
  makeLink('/lib', 'usr/lib', tree);
  makeFolder('/lib/private', 0o1710, 0, 0, tree);
  assert.equal(lstatSync(join(root, 'usr/lib/private')).mode & 0o7777, 0o1710);
});
