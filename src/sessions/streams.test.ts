import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';

import { sha256 } from '../model/index.ts';
import { execProcess } from './process.ts';
import { copyRest, teeIn, teeOut } from './streams.ts';

const folder = mkdtempSync(join(tmpdir(), 'streams-'));
after(() => rmSync(folder, { recursive: true }));

test('what a program writes is kept and passed on', async () => {
  const seen = join(folder, 'seen');
  const onto = openSync(seen, 'w');
  const tee = await teeOut(join(folder, 'out'), onto);
  const running = execProcess(['seq', '1', '200000'], { stdin: 'ignore', stdout: tee.fd, stderr: 'inherit' });
  assert.equal(await running, 0);
  const kept = await tee.end();
  closeSync(onto);
  assert.equal(kept.size, 1_288_895);
  assert.equal(kept.sha256, sha256(readFileSync(seen)));
  assert.deepEqual(readFileSync(tee.file), readFileSync(seen));
});

test('what a program reads from a pipe is kept', async () => {
  const tee = await teeIn(join(folder, 'in'), Readable.from([Buffer.from('b\n'), Buffer.from('a\n')]));
  const out = openSync(join(folder, 'sorted'), 'w');
  const running = execProcess(['sort'], { stdin: tee.fd, stdout: out, stderr: 'inherit' });
  assert.equal(await running, 0);
  closeSync(out);
  assert.deepEqual(await tee.end(), { size: 4, sha256: sha256('b\na\n') });
  assert.equal(readFileSync(join(folder, 'sorted'), 'utf8'), 'a\nb\n');
});

test('an endless input does not keep us when the program has ended', async () => {
  const tee = await teeIn(join(folder, 'zero'), new Readable({ read() {} }));
  const running = execProcess(['true'], { stdin: tee.fd, stdout: 'ignore', stderr: 'inherit' });
  assert.equal(await running, 0);
  assert.equal((await tee.end()).size, 0);
});

test('a file at a descriptor is kept from where it stands, and stays there', () => {
  const file = join(folder, 'lines');
  writeFileSync(file, 'head\ntail\n');
  const fd = openSync(file, 'r');
  readSync(fd, Buffer.alloc(5));
  assert.deepEqual(copyRest(fd, join(folder, 'rest')), { size: 5, sha256: sha256('tail\n') });
  const next = Buffer.alloc(4);
  readSync(fd, next);
  closeSync(fd);
  assert.equal(next.toString(), 'tail');
});
