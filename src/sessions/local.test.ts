import assert from 'node:assert/strict';
import { lstatSync, mkdtempSync, openSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { findPerl, isKnownMachine } from './enter.ts';
import { localSession } from './local.ts';

const skip = findPerl() !== undefined && isKnownMachine() ? false : 'perl is not here';

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-local-'));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('programs run as who we are, and as whom root asks for', async (t) => {
  await inFolder(async (folder) => {
    await using session = localSession();
    const { stdout } = await session.run(['id', '-u']);
    assert.equal(stdout.toString(), `${process.geteuid?.()}\n`);
    if (process.geteuid?.() !== 0 || skip !== false) return t.diagnostic('only root can be somebody else');
    const out = openSync(join(folder, 'out'), 'w');
    const user = { uid: 1234, gid: 1235, groups: [7, 8], umask: 0o077 };
    const status = await session.exec(['sh', '-c', 'id -u; id -g; id -G; umask; exit 5'], {
      user,
      stdin: 'ignore',
      stdout: out,
      stderr: out,
    });
    assert.equal(status, 5);
    assert.equal(readFileSync(join(folder, 'out'), 'utf8'), '1234\n1235\n1235 7 8\n0077\n');
  });
});

test('files are written, packed and unpacked; links are replaced and not followed', { skip }, async () => {
  await inFolder(async (folder) => {
    await using session = localSession();
    symlinkSync('/etc/passwd', join(folder, 'link'));
    await session.write(join(folder, 'link'), 'mine\n', 0o640);
    await session.write(join(folder, 'deep/er/file'), Buffer.from('x'));
    assert.equal(lstatSync(join(folder, 'link')).mode & 0o7777, 0o640);
    symlinkSync('deep', join(folder, 'way'));
    await session.untar(session.tar([join(folder, 'way'), join(folder, 'deep')]), join(folder, 'again'));
    const again = join(folder, 'again', folder);
    assert.equal(readFileSync(join(again, 'deep/er/file'), 'utf8'), 'x');
    assert.equal(readlinkSync(join(again, 'way')), 'deep');
  });
});
