import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { contexts } from '../../../test/fakes/contexts.ts';
import { makeZip } from '../../../test/fakes/zip.ts';
import { localRoot } from '../../roots/local.ts';
import { installerSettings, type Asked } from './settings.ts';

async function settings(
  t: TestContext,
  files: Readonly<Record<string, string | Buffer>>,
  asked: Partial<Asked> = {},
  own = {},
) {
  const { folder, tracing } = contexts(t, own);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  const all = {
    env: {},
    homes: ['/home/u'],
    prefixes: ['/home/u/env'],
    sites: ['/usr/lib/python3/dist-packages'],
    ...asked,
  };
  return await installerSettings(localRoot(folder), all, tracing);
}

// as pip 23.0.1 has it
const source = 'PyPI = PackageIndex("https://index.example.org/", file_storage_domain="files.example.org")\n';
const member = 'pip/_internal/models/index.py';

test('the environment is before the files, those nearer before those of the system', async (t) => {
  const files = {
    '/etc/pip.conf':
      '[global]\nindex-url = https://system.example.org/simple\nextra-index-url =\n  https://one.example.org/simple\n  https://two.example.org/simple/\n',
    '/home/u/.config/pip/pip.conf':
      '# mine\n[install]\nindex-url: https://me:secret@user.example.org/simple\nfind-links = /srv/wheels\n',
    '/home/u/env/pip.conf': '[list]\nindex-url = https://no.example.org\n',
    [`/usr/lib/python3/dist-packages/${member}`]: source,
  };
  assert.deepEqual(await settings(t, files), {
    indexes: ['https://user.example.org/simple', 'https://one.example.org/simple', 'https://two.example.org/simple'],
    folders: ['/srv/wheels'],
    hadSecret: true,
  });
  const env = { PIP_INDEX_URL: 'https://env.example.org/simple', UV_INDEX: 'named=https://uv.example.org/simple' };
  assert.deepEqual((await settings(t, files, { env })).indexes.slice(0, 2), [
    'https://env.example.org/simple',
    'https://uv.example.org/simple',
  ]);
  const own = { index: 'https://ours.example.org/simple' };
  assert.equal((await settings(t, files, { env }, own)).indexes[0], 'https://ours.example.org/simple');
});

test('else what pip itself says, installed or in the wheel that environments get theirs from', async (t) => {
  const installed = { [`/usr/lib/python3/dist-packages/${member}`]: source };
  assert.deepEqual((await settings(t, installed)).indexes, ['https://index.example.org/simple']);
  const bundled = { '/usr/share/python-wheels/pip-23.0.1-py3-none-any.whl': makeZip({ [member]: source }) };
  assert.deepEqual((await settings(t, bundled)).indexes, ['https://index.example.org/simple']);
  assert.deepEqual((await settings(t, installed, { env: { PIP_NO_INDEX: '1' } })).indexes, []);
  assert.deepEqual((await settings(t, { '/usr/share/python-wheels/pip-1-py3-none-any.whl': 'broken' })).indexes, []);
});

test('uv.toml', async (t) => {
  const files = {
    '/home/u/.config/uv/uv.toml':
      '[[index]]\nurl = "https://more.example.org/simple"\n[[index]]\nurl = "https://first.example.org/simple"\ndefault = true\n',
    '/etc/uv/uv.toml': 'not toml [',
  };
  assert.deepEqual((await settings(t, files)).indexes, [
    'https://first.example.org/simple',
    'https://more.example.org/simple',
  ]);
});
