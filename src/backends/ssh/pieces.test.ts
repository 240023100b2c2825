import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { lstatSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { layerOf } from '../../roots/layer.ts';
import { localRoot } from '../../roots/local.ts';
import { runProcess } from '../../sessions/process.ts';
import { cutTar } from './pieces.ts';

const files = fileURLToPath(new URL('../../sessions/enclosure/files.pl', import.meta.url));
/** What enter.pl has for it, without entering anything. */
const unpack = `our (%one, %many, %nr); sub kernel { 0 } sub AT_FDCWD { -100 } require shift; $one{into} = shift; untar()`;

test('a tree that is cut into pieces is whole where they are unpacked, whatever its names', async (t) => {
  const top = mkdtempSync(join(tmpdir(), 'repronim-pieces-'));
  t.after(() => rmSync(top, { recursive: true, force: true }));
  const directory = join(top, 'tree');
  const put = (path: string, content: string | Buffer): void => {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  };
  // a header holds 100 bytes of a name: cut before, in, at and after a slash
  for (let length = 97; length <= 101; length += 1) put(`${'f'.repeat(length)}/file`, `${length} `.repeat(300));
  put(`${'d/'.repeat(50)}file`, 'deep');
  put(`${'ü'.repeat(40)}/ß`, 'not ASCII');
  put('empty', '');
  put('a/large', randomBytes(33 * 2 ** 20 + 7));
  put('b/large', randomBytes(32 * 2 ** 20 - 512));
  put('c/after', 'the last');
  linkSync(join(directory, 'a/large'), join(directory, 'c/again'));
  symlinkSync('l'.repeat(150), join(directory, 'c/link'));

  const into = join(top, 'into');
  let pieces = 0;
  for await (const { bytes } of cutTar(
    layerOf({ directory }, () => {}),
    0,
  )) {
    pieces += 1;
    const file = join(top, 'piece');
    writeFileSync(file, Buffer.concat(await Array.fromAsync(bytes)));
    const argv = ['sh', '-c', 'exec perl -e "$1" "$2" "$3" < "$4"', 'sh', unpack, files, into, file] as const;
    const { status, stderr } = await runProcess(argv, { accept: 'any' });
    assert.deepEqual([status, stderr.toString()], [0, ''], `piece ${pieces}`);
  }
  assert.ok(pieces > 2, 'it was cut');
  const scanned = async (place: string) => {
    const entries = await Array.fromAsync(localRoot(place).scan({ digests: ['sha256'] }));
    return entries
      .filter(({ path }) => path !== '/')
      .map(({ path, type, mode, size, sha256, target }) => ({ path, type, mode, size, sha256, target }));
  };
  assert.deepEqual(await scanned(into), await scanned(directory));
  assert.equal(lstatSync(join(into, 'c/again')).ino, lstatSync(join(into, 'a/large')).ino);
  assert.equal(readFileSync(join(into, 'c/after'), 'utf8'), 'the last');
});
