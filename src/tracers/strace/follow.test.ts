import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { followLog } from './follow.ts';
import { readLines } from './lines.ts';
import { listArgument, parseCall } from './arguments.ts';

test('a log that grows, with lines longer than what is read at once', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-follow-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const log = join(folder, 'log');
  const seen: string[] = [];
  const reader = readLines({ call: (pid, text) => seen.push(text), superseded: () => {}, exited: () => {} });
  assert.equal(followLog(log, reader), undefined);

  const words = Array.from({ length: 40_000 }, (_, index) => `word-${index}`);
  const long = `7 execve("/bin/echo", [${words.map((word) => `"${word}"`).join(', ')}], 0x7f /* 3 vars */) = 0\n`;
  writeFileSync(log, `7 chdir("/") = 0\n${long.slice(0, 100_000)}`);
  const follower = followLog(log, reader);
  assert.ok(follower);
  t.after(() => follower.close());
  follower.advance();
  assert.deepEqual(seen, ['chdir("/") = 0']);
  assert.equal(follower.cut, true);
  appendFileSync(log, `${long.slice(100_000)}7 chdir("/tmp") = 0\n`);
  follower.advance();
  assert.equal(follower.cut, false);
  assert.deepEqual(listArgument(parseCall(seen[1] ?? '')?.args[1]), words);
  assert.equal(seen[2], 'chdir("/tmp") = 0');
});
