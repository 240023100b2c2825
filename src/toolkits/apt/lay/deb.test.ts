import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';

import { UserError } from '../../../model/index.ts';
import { withDeb } from './deb.ts';
import { decompressed } from '../../../roots/decompress.ts';
import { testAr, testDeb, testTar } from '../../../../test/fakes/deb.ts';

const folder = mkdtempSync(join(tmpdir(), 'repronim-deb-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const control = { name: './control', content: 'Package: p\nVersion: 1\nArchitecture: all\n' };

function file(name: string, content: Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

for (const compression of ['none', 'gzip', 'xz', 'zstd']) {
  test(`a package as dpkg-deb -Z${compression} writes it`, async () => {
    const tree = join(folder, compression);
    mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
    writeFileSync(
      join(tree, 'DEBIAN/control'),
      'Package: p\nVersion: 1\nArchitecture: all\nMaintainer: m\nDescription: d\n',
    );
    writeFileSync(join(tree, 'DEBIAN/postinst'), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(join(tree, 'big'), Buffer.alloc(3_000_000, 'repronim '));
    const path = join(folder, `${compression}.deb`);
    execFileSync('dpkg-deb', ['-Z', compression, '--root-owner-group', '-b', tree, path]);
    const data = await withDeb(path, 'p 1', async (deb, fd) => {
      assert.deepEqual(
        deb.control.map(({ name, mode }) => [name, mode]).sort((a, b) => (String(a) < String(b) ? -1 : 1)),
        [
          ['control', 0o644],
          ['postinst', 0o755],
        ],
      );
      return await decompressed({ fd, ...deb.data }, deb.data.compression, 1e9, 'p 1');
    });
    const plain = execFileSync('dpkg-deb', ['--fsys-tarfile', path], { maxBuffer: 1e9 });
    assert.ok(data.equals(plain));
  });
}

test('zstd data in several frames is read to its end', async () => {
  const tar = testTar([{ name: './a', content: 'x'.repeat(2000) }]);
  const frames = Buffer.concat([zstdCompressSync(tar.subarray(0, 1000)), zstdCompressSync(tar.subarray(1000))]);
  const path = file(
    'frames.deb',
    testAr([
      ['debian-binary', Buffer.from('2.0\n')],
      ['control.tar', testTar([control])],
      ['data.tar.zst', frames],
    ]),
  );
  const data = await withDeb(
    path,
    'p',
    async (deb, fd) => await decompressed({ fd, ...deb.data }, deb.data.compression, 1e6, 'p'),
  );
  assert.ok(data.equals(tar));
});

test('a bomb stops at the limit', async () => {
  const bomb = zstdCompressSync(Buffer.alloc(50_000_000));
  const path = file(
    'bomb.deb',
    testAr([
      ['debian-binary', Buffer.from('2.0\n')],
      ['control.tar', testTar([control])],
      ['data.tar.zst', bomb],
    ]),
  );
  const reading = withDeb(
    path,
    'bomb 1',
    async (deb, fd) => await decompressed({ fd, ...deb.data }, deb.data.compression, 1e6, 'bomb 1'),
  );
  await assert.rejects(
    reading,
    (error) => error instanceof UserError && /bomb 1: refused: unpacks to more than 1.0 MB/.test(error.message),
  );
});

const good = testDeb([{ name: './a', content: 'a' }]);
const broken: readonly (readonly [string, Buffer, RegExp])[] = [
  ['is no ar archive', Buffer.from('#!/bin/sh\n'), /not an ar archive \(at byte 0\)/],
  ['is empty', Buffer.alloc(0), /not an ar archive/],
  ['is cut short', good.subarray(0, good.length - 700), /longer than the file \(at byte \d+\)/],
  [
    'has a member twice',
    testAr([
      ['debian-binary', Buffer.from('2.0\n')],
      ['debian-binary', Buffer.from('2.0\n')],
    ]),
    /comes twice/,
  ],
  [
    'has no data',
    testAr([
      ['debian-binary', Buffer.from('2.0\n')],
      ['control.tar', testTar([control])],
    ]),
    /no data\.tar/,
  ],
  [
    'has an unknown compression',
    testAr([
      ['debian-binary', Buffer.from('2.0\n')],
      ['control.tar.rar', Buffer.alloc(9)],
      ['data.tar', Buffer.alloc(9)],
    ]),
    /unknown compression/,
  ],
  ['has a control file outside', testDeb([], [{ name: './../x', content: 'x' }]), /unexpected member/],
  ['has a control file below', testDeb([], [{ name: './a/b', content: 'x' }]), /unexpected member/],
  [
    'has a control link',
    testDeb([], [{ name: './postinst', type: 'link', target: '/etc/passwd' }]),
    /unexpected member/,
  ],
  ['has a control file twice', testDeb([], [{ name: './control', content: 'x' }]), /control comes twice/],
];
for (const [what, content, message] of broken) {
  test(`a package that ${what} is refused by name`, async () => {
    const path = file('broken.deb', content);
    const reading = withDeb(path, 'bad 2.0', async () => undefined);
    await assert.rejects(
      reading,
      (error) => error instanceof UserError && error.message.startsWith('bad 2.0') && message.test(error.message),
    );
  });
}
