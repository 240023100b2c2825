import assert from 'node:assert/strict';
import { test } from 'node:test';

import { tarEnd, tarPadding } from '../../../roots/tar-header.ts';
import { tarHeader } from '../read/pack.ts';
import { readTar } from './tar.ts';

test('a long name whose short form ends in a slash is still a file', () => {
  const folder = `./${'f'.repeat(97)}`;
  const content = Buffer.from('content\n');
  const owners = { mode: 0o644, uid: 0, gid: 0, mtime: 0 };
  const file = { ...owners, name: `${folder}/file`, type: 'file', size: content.length } as const;
  assert.equal(tarHeader(file).toString('latin1', 1024, 1124), `${folder}/`, 'what the short form is');
  const tar = Buffer.concat([
    tarHeader(file),
    content,
    tarPadding(content.length),
    tarHeader({ ...file, name: './after' }),
    content,
    tarPadding(content.length),
    tarEnd,
  ]);
  const window = { end: tar.length, at: (offset: number, length: number) => tar.subarray(offset, offset + length) };
  const members = [...readTar(window, 0, 'test')].map(({ name, type, size }) => [name, type, size]);
  assert.deepEqual(members, [
    [`${folder}/file`, 'file', 8],
    ['./after', 'file', 8],
  ]);
});
