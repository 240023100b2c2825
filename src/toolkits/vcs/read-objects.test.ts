import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { gitIn } from '../../../test/fakes/annex.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { localRoot } from '../../roots/local.ts';
import { keyOfPath, keyOfPointer, lowerFolder, mixedFolder, parseKey } from './annex/key.ts';
import { parsePresence, parseRemoteLog } from './annex/logs.ts';
import { applyDelta, idOfObject, parseLoose, parsePacked, parseTreeObject } from './object-file.ts';
import { parsePackIndex } from './pack-index.ts';
import { parsePointer } from './pointer.ts';
import { readObjects } from './read-objects.ts';

test('objects are read as git has them: loose, packed, as deltas, borrowed, of both algorithms', async (t) => {
  const { folder } = contexts(t);
  for (const algorithm of ['sha1', 'sha256'] as const) {
    const top = join(folder, algorithm);
    mkdirSync(join(top, 'dir'), { recursive: true });
    await gitIn(top, 'init', '-q', '-b', 'main', `--object-format=${algorithm}`);
    let text = '';
    for (let number = 0; number < 16; number += 1) {
      text += `${number} ${'line '.repeat(50)}\n`;
      writeFileSync(join(top, 'dir/grows'), text);
      writeFileSync(join(top, `dir/${number}`), String(number));
      await gitIn(top, 'add', '-A');
      await gitIn(top, 'commit', '-q', '-m', String(number));
      if (number === 12) await gitIn(top, 'repack', '-a', '-d', '-q');
    }
    await gitIn(folder, 'clone', '-q', '--shared', top, `${algorithm}-borrower`);
    const listed = (await gitIn(top, 'rev-list', '--objects', '--all')).trim().split('\n');
    for (const place of [`/${algorithm}/.git`, `/${algorithm}-borrower/.git`]) {
      // the whole machine, since what is borrowed has an absolute path; and in memory, as an image's tar is read
      const at = join(folder, place);
      const { directory: _, ...distant } = localRoot();
      for (const root of [localRoot(), distant]) {
        using objects = await readObjects(root, at, algorithm);
        for (const line of listed) {
          const [id = ''] = line.split(' ');
          const object = await objects.read(id);
          assert.ok(object, line);
          assert.equal(idOfObject(algorithm, object.type, object.data), id);
        }
        const head = (await gitIn(top, 'rev-parse', 'HEAD')).trim();
        assert.equal((await objects.blobAt(head, 'dir/grows'))?.toString(), text);
        assert.equal(await objects.blobAt(head, 'dir/none'), undefined);
        assert.equal(await objects.blobAt(head, 'dir'), undefined);
        assert.equal(await objects.read('0'.repeat(40)), undefined);
      }
    }
  }
});

test('what is cut off, or nonsense, is no object and no index', async (t) => {
  const { folder } = contexts(t);
  await gitIn(folder, 'init', '-q', 'x');
  const top = join(folder, 'x');
  writeFileSync(join(top, 'a'), 'a\n'.repeat(500));
  await gitIn(top, 'add', '-A');
  await gitIn(top, 'commit', '-q', '-m', 'x');
  const id = (await gitIn(top, 'rev-parse', 'HEAD:a')).trim();
  const loose = readFileSync(join(top, '.git/objects', id.slice(0, 2), id.slice(2)));
  assert.equal(parseLoose(loose)?.data.length, 1000);
  for (let cut = 0; cut < loose.length; cut += 1) assert.equal(parseLoose(loose.subarray(0, cut)), undefined);
  const name = (await gitIn(top, 'pack-objects', '--all', '-q', join(folder, 'p'))).trim();
  const index = readFileSync(join(folder, `p-${name}.idx`));
  const offset = parsePackIndex(index, 20)?.find(id) ?? 0;
  const pack = readFileSync(join(folder, `p-${name}.pack`)).subarray(offset);
  const packed = parsePacked(pack, offset, 20);
  assert.ok(packed?.is === 'whole' && packed.object.data.length === 1000);
  for (let cut = 0; cut < 12; cut += 1) assert.equal(parsePacked(pack.subarray(0, cut), offset, 20), undefined);
  for (let cut = 0; cut < index.length; cut += 37) parsePackIndex(index.subarray(0, cut), 20)?.find(id);
  const base = Buffer.from('a text that is long');
  // git-pack-format: sizes 19 and 6, copy 4 from 2, insert "!!"
  assert.equal(applyDelta(base, Buffer.from([19, 6, 0x91, 2, 4, 2, 33, 33]))?.toString(), 'text!!');
  for (const odd of [[], [18, 6], [19, 6, 0x91, 18, 4], [19, 6, 0], [19, 255, 255, 255, 255, 255], [19, 6, 5, 1]])
    assert.equal(applyDelta(base, Buffer.from(odd)), undefined);
  assert.deepEqual(parseTreeObject(Buffer.from('100644 a\0too short'), 20), []);
});

test('keys of git-annex: where they lie, what they say', () => {
  // as `git annex examinekey --format='${hashdirmixed} ${hashdirlower}'` of 10.20230126 has them
  assert.deepEqual([mixedFolder('SHA256E-s5--abc.dat'), lowerFolder('SHA256E-s5--abc.dat')], ['WZ/f1', '351/fd0']);
  const web = 'URL--http&c%%example.org%x.dat';
  assert.deepEqual([mixedFolder(web), lowerFolder(web)], ['W1/pJ', '217/fcf']);
  const md5 = 'MD5E-s5--e1cbb0c3879af8347246f12c559a86b5.txt';
  assert.deepEqual(parseKey(md5), {
    key: md5,
    backend: 'MD5E',
    size: 5,
    digest: { algorithm: 'md5', hex: 'e1cbb0c3879af8347246f12c559a86b5' },
  });
  assert.equal(keyOfPath(`../.git/annex/objects/F0/Wx/${md5}/${md5}`)?.key, md5);
  assert.equal(keyOfPath(`/x/.git/annex/objects/F0/Wx/${md5}/other`), undefined);
  assert.equal(keyOfPointer(Buffer.from(`/annex/objects/${md5}\n`))?.key, md5);
  assert.equal(parsePointer(Buffer.from(`/annex/objects/${md5}`))?.by, 'annex');
  for (const odd of ['', 'MD5E-s5', 'md5--x', 'MD5E-s5--a/b', `A--${'x'.repeat(5000)}`])
    assert.equal(parseKey(odd), undefined);
  for (const odd of ['version https://git-lfs.github.com/spec/v1\nsize 3\n', 'a\n'.repeat(20_000)])
    assert.equal(parsePointer(Buffer.from(odd)), undefined);
});

test('logs of git-annex: the newest line counts', () => {
  assert.deepEqual(parsePresence('2s 0 b\n1s 1 b\n1.5s 1 a\n1s 0 a\n3s 1 c d\nnonsense\n'), ['a', 'c d']);
  const uuid = '0bd5a5a2-6c0f-4c8e-9d3d-6f0c0b1f8a11';
  assert.deepEqual(
    parseRemoteLog(
      `${uuid} name=new type=S3 timestamp=2s\n${uuid} name=old type=S3 timestamp=1s\n${uuid} name=../x type=S3 timestamp=0s\nx\n`,
    ),
    [{ name: 'new', type: 'S3', uuid }],
  );
});
