import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  normalizeName,
  parseDirectUrl,
  parseEntryPoints,
  parseMetadata,
  parseVenvConfig,
  parseWheelInfo,
} from './metadata.ts';

const bytes = (text: string) => Buffer.from(text);

test('names are one however they are spelled', () => {
  assert.deepEqual(['Typing_Extensions', 'typing.extensions', 'TYPING--extensions'].map(normalizeName), [
    'typing-extensions',
    'typing-extensions',
    'typing-extensions',
  ]);
});

test('metadata ends where the description begins', () => {
  const text =
    'Metadata-Version: 2.1\r\nName: Jinja2\r\nVersion: 3.1.6\r\nRequires-Dist: MarkupSafe>=2.0\r\n\r\nName: not this\r\n';
  assert.deepEqual(parseMetadata(bytes(text)), { name: 'Jinja2', version: '3.1.6', requires: ['MarkupSafe>=2.0'] });
  assert.equal(parseMetadata(bytes('Name: ../../etc\nVersion: 1\n')), undefined);
  assert.equal(parseMetadata(bytes('Name: a\nVersion: 1 2\n')), undefined);
  assert.equal(parseMetadata(bytes('')), undefined);
});

test('tags of a wheel, of a real one', () => {
  const text =
    'Wheel-Version: 1.0\nGenerator: setuptools (84.0.0)\nRoot-Is-Purelib: false\nTag: cp311-cp311-manylinux_2_17_x86_64\nTag: cp311-cp311-manylinux2014_x86_64\n\n';
  assert.deepEqual(parseWheelInfo(bytes(text)), {
    tags: ['cp311-cp311-manylinux_2_17_x86_64', 'cp311-cp311-manylinux2014_x86_64'],
  });
  assert.deepEqual(parseWheelInfo(bytes('Tag: py3-none-any\nBuild: 1abc\n')), {
    tags: ['py3-none-any'],
    build: '1abc',
  });
});

test('where a package came from; without passwords', () => {
  const of = (value: unknown) => parseDirectUrl(bytes(JSON.stringify(value)));
  const commit = '9d19f0c4a1e35b0d6d2f3c9f7f0b8f1a2c3d4e5f';
  assert.deepEqual(of({ url: 'https://u:secret@example.org/a.git', vcs_info: { vcs: 'git', commit_id: commit } }), {
    kind: 'vcs',
    url: 'https://example.org/a.git',
    vcs: 'git',
    commit,
    editable: false,
  });
  assert.deepEqual(of({ url: 'file:///home/u/a%20b', dir_info: { editable: true } }), {
    kind: 'folder',
    path: '/home/u/a b',
    editable: true,
  });
  const sha256 = 'a'.repeat(64);
  const url = 'https://example.org/a-1-py3-none-any.whl';
  assert.deepEqual(of({ url, archive_info: { hash: `sha256=${sha256}` } }), { kind: 'archive', url, sha256 });
  assert.deepEqual(of({ url, archive_info: { hashes: { sha256 } } }), { kind: 'archive', url, sha256 });
  for (const odd of [
    null,
    [],
    1,
    { url },
    { url: 1, dir_info: {} },
    { url: 'https://x', dir_info: {} },
    { url: 'file:///%', dir_info: {} },
  ])
    assert.equal(of(odd), undefined);
  assert.equal(parseDirectUrl(bytes('{')), undefined);
});

test('scripts, and what could not be one', () => {
  const text = `[console_scripts]
tool = package.module:main
other=package:Class.method [extra]
evil = os:system("x")
../up = a:b
[gui_scripts]
window = package:gui
[plugins]
no = a:b
`;
  assert.deepEqual(
    parseEntryPoints(bytes(text)).map(({ name, module, object, gui }) => [name, module, object, gui]),
    [
      ['tool', 'package.module', 'main', false],
      ['other', 'package', 'Class.method', false],
      ['window', 'package', 'gui', true],
    ],
  );
});

test('pyvenv.cfg of venv, virtualenv and uv', () => {
  const uv =
    'home = /usr/bin\nimplementation = CPython\nuv = 0.5.1\nversion_info = 3.11.7\ninclude-system-site-packages = false\nprompt = x = y\n';
  const { home, version_info: version, prompt } = parseVenvConfig(bytes(uv));
  assert.deepEqual([home, version, prompt], ['/usr/bin', '3.11.7', 'x = y']);
});
