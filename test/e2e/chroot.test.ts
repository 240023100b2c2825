import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { chroot } from '../../src/backends/chroot/index.ts';
import { testBackend } from '../contract/backend.ts';
import { confined, folder, makeInstance } from '../contract/backend-fixture.ts';
import { slimRoot } from './roots.ts';

testBackend({
  backend: chroot,
  params: {},
  module: new URL('../../src/backends/chroot/index.ts', import.meta.url),
  exported: 'chroot',
  rootfs: slimRoot,
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

test('chroot: a tree is packed whole where what was changed lies on another filesystem than the rootfs', async () => {
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = '/dev/shm';
  try {
    const mounts = [{ source: folder('in'), path: '/srv/in', readonly: true }];
    await using made = await makeInstance(chroot, {}, await slimRoot(), { ...confined, mounts });
    await using session = await made.instance.session();
    await session.run(['sh', '-c', 'mkdir /new && echo file > /new/file && echo changed >> /etc/issue']);
    await session.untar(session.tar(['/new', '/etc/issue', '/etc/debian_version', '/srv']), '/copy');
    const script = 'cd /copy && cat new/file etc/debian_version; tail -n 1 etc/issue; find srv';
    const said = await session.run(['sh', '-c', script]);
    assert.match(said.stdout.toString(), /^file\n\S+\nchanged\nsrv\n$/);
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
});
