import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { chroot } from '../../src/backends/chroot/index.ts';
import { testBackend } from '../contract/backend.ts';
import { smallRoot } from './roots.ts';

testBackend({
  backend: chroot,
  params: {},
  module: new URL('../../src/backends/chroot/index.ts', import.meta.url),
  exported: 'chroot',
  rootfs: smallRoot,
});

test('chroot: a terminal of its own: its name, its size, Ctrl-C', async () => {
  const script = fileURLToPath(new URL('chroot-terminal.ts', import.meta.url));
  const command = `stty rows 33 cols 111; exec '${process.execPath}' '${script}'`;
  const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (/^ready/m.test(text)) child.stdin.write('\x03');
  });
  await new Promise((resolve) => child.once('close', resolve));
  assert.match(said, /^\/dev\/pts\/0\r\n33 111\r\nready\r\n(\^C)?asked\r\nstatus 4\r\n$/);
});
