import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { sha256 } from '../model/index.ts';
import { rootBelow } from './below.ts';
import { localRoot } from './local.ts';

test('a folder is a root: paths begin in it, links stay in it, and it is read by the eyes of the whole', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-below-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const at = (path: string) => join(folder, path);
  for (const made of ['opt/old/usr/bin', 'opt/old/etc', 'usr/bin']) mkdirSync(at(made), { recursive: true });
  writeFileSync(at('opt/old/usr/bin/tool'), 'inside');
  writeFileSync(at('usr/bin/tool'), 'outside');
  writeFileSync(at('usr/bin/other'), 'outside');
  symlinkSync('usr/bin', at('opt/old/bin'));
  symlinkSync('/usr/bin/tool', at('opt/old/etc/tool'));
  symlinkSync('/usr/bin/other', at('opt/old/etc/other'));
  writeFileSync(at('opt/old/usr/bin/own'), 'inside alone');
  symlinkSync('/usr/bin/own', at('opt/old/etc/own'));
  symlinkSync('../../../../etc', at('opt/old/etc/up'));
  const root = rootBelow(localRoot(folder, 'whole'), '/opt/old');
  assert.equal(root.label, 'whole:/opt/old');
  assert.equal(String(await root.readFile('/bin/tool')), 'inside');
  assert.equal(String(await root.readFile('/etc/tool')), 'inside');
  assert.equal(String(await root.readFile('/etc/own')), 'inside alone');
  assert.deepEqual(await root.realpath(['/', '/bin/tool', '/etc/tool', '/etc/other', '/nothing']), [
    '/',
    '/usr/bin/tool',
    '/usr/bin/tool',
    undefined,
    undefined,
  ]);
  assert.deepEqual(await root.digest(['/etc/tool', '/etc/other'], 'sha256'), [sha256('inside'), undefined]);
  await assert.rejects(root.readFile('/etc/other'));
  assert.equal(await root.readlink('/etc/tool'), '/usr/bin/tool');
  assert.deepEqual(
    (await root.lstat(['/bin', '/usr'])).map((stat) => stat?.type),
    ['link', 'directory'],
  );
  assert.deepEqual(
    (await Array.fromAsync(root.scan({ below: ['/usr'], except: ['/etc'] }))).map(({ path }) => path),
    ['/usr', '/usr/bin', '/usr/bin/own', '/usr/bin/tool'],
  );
});
