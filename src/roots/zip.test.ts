import assert from 'node:assert/strict';
import { test } from 'node:test';

import { makeZip } from '../../test/fakes/zip.ts';
import { UserError } from '../model/index.ts';
import { readZipDirectory, readZipMember, type ZipSource } from './zip.ts';

function sourceOf(bytes: Buffer): ZipSource {
  return {
    label: 'test.zip',
    size: bytes.length,
    async read(offset, length) {
      if (offset < 0 || offset + length > bytes.length) throw new UserError('cut short');
      return bytes.subarray(offset, offset + length);
    },
  };
}

const text = 'many times the same\n'.repeat(50);

test('members are read whole, deflated and stored, with their modes', async () => {
  const source = sourceOf(makeZip({ 'a/long.txt': text, 'ü.txt': 'x', empty: '' }, 0o100755));
  const members = await readZipDirectory(source);
  assert.deepEqual(
    members.map(({ name, method, size, mode }) => [name, method, size, mode & 0o777]),
    [
      ['a/long.txt', 8, 1000, 0o755],
      ['ü.txt', 0, 1, 0o755],
      ['empty', 0, 0, 0o755],
    ],
  );
  const contents = await Promise.all(members.map(async (member) => (await readZipMember(source, member)).toString()));
  assert.deepEqual(contents, [text, 'x', '']);
});

test('what python3 -m zipfile wrote, as it is in wheels', async () => {
  // python3 -c 'import zipfile; zipfile.ZipFile("x.zip", "w").writestr("a", "hello\n")', of Python 3.11
  const bytes = Buffer.from(
    'UEsDBBQAAAAAAAAAIQAgMDo2BgAAAAYAAAABAAAAYWhlbGxvClBLAQIUAxQAAAAAAAAAIQAgMDo2BgAAAAYAAAABAAAAAAAAAAAAAACAAQAAAABhUEsFBgAAAAABAAEALwAAACUAAAAAAA==',
    'base64',
  );
  const source = sourceOf(bytes);
  const [member] = await readZipDirectory(source);
  assert.ok(member !== undefined);
  assert.equal((await readZipMember(source, member)).toString(), 'hello\n');
});

test('a broken archive is an error for people, a larger one than was said is none', async () => {
  const bytes = makeZip({ 'a.txt': text });
  for (const broken of [
    Buffer.alloc(0),
    Buffer.from('PK'),
    bytes.subarray(0, -30),
    bytes.subarray(30),
    Buffer.from(bytes).fill(0xff, bytes.length - 8, bytes.length - 2),
  ]) {
    await assert.rejects(readZipDirectory(sourceOf(broken)), UserError);
  }
  const members = await readZipDirectory(sourceOf(bytes));
  const [member] = members;
  assert.ok(member !== undefined);
  await assert.rejects(readZipMember(sourceOf(bytes), member, 10), UserError);
  await assert.rejects(readZipMember(sourceOf(bytes), { ...member, size: 999 }), UserError);
  await assert.rejects(readZipMember(sourceOf(bytes), { ...member, crc: 1 }), UserError);
  await assert.rejects(readZipMember(sourceOf(bytes), { ...member, offset: 7 }), UserError);
});

test('any bit flipped is the same content or an error for people', async () => {
  const good = makeZip({ 'a.txt': text, b: 'b' });
  for (let bit = 0; bit < good.length * 8; bit += 3) {
    const bytes = Buffer.from(good);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const source = sourceOf(bytes);
    try {
      for (const member of await readZipDirectory(source)) {
        const content = (await readZipMember(source, member, 1e6)).toString();
        assert.ok([text, 'b', ''].includes(content));
      }
    } catch (error) {
      assert.ok(error instanceof UserError, String(error));
    }
  }
});
