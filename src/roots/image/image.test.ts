import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';

import { dockerArchive, ociLayout, tarOf, writeFiles, type TarMember } from '../../../test/fakes/image.ts';
import type { Root } from '../../contract/index.ts';
import { UserError } from '../../model/index.ts';
import { archiveRoot, layoutRoot } from './open.ts';

const below = tarOf([
  { name: 'etc/' },
  { name: 'etc/kept', content: 'one' },
  { name: 'etc/gone', content: 'x' },
  { name: 'opaque/' },
  { name: 'opaque/old/' },
  { name: 'opaque/old/file', content: 'x' },
  { name: 'usr/lib/real', content: 'real' },
  { name: 'lib', type: 'link', target: 'usr/lib' },
  { name: 'link', type: 'link', target: 'etc/kept' },
  { name: 'was-folder/' },
  { name: 'was-folder/in', content: 'x' },
]);
const middle = tarOf([
  { name: 'opaque/new', content: 'new' }, // before its whiteout: what this layer brings stays
  { name: 'opaque/.wh..wh..opq' },
  { name: 'etc/.wh.gone' },
  { name: '.wh.was-folder' },
  { name: 'etc/.wh..wh.plnk' },
  { name: 'etc/again', type: 'hardlink', target: 'etc/kept' },
  { name: 'link', content: 'a file now' },
]);
const above = tarOf([
  { name: 'etc/', mode: 0o700 },
  { name: 'etc/gone', content: 'back' },
  { name: 'lib/own', content: 'own' }, // engines unpack layers one by one: the folder hides the link
]);
const whole = {
  '/': 'directory',
  '/etc': 'directory',
  '/etc/again': 'one',
  '/etc/gone': 'back',
  '/etc/kept': 'one',
  '/lib': 'directory',
  '/lib/own': 'own',
  '/link': 'a file now',
  '/opaque': 'directory',
  '/opaque/new': 'new',
  '/usr': 'directory',
  '/usr/lib': 'directory',
  '/usr/lib/real': 'real',
};

test('layers lie one over the other, with whiteouts, in every form and compression', async (t) => {
  const folder = temporary(t);
  const layers = [below, middle, above];
  const layout = ociLayout([
    { layers: [{ tar: below, pack: gzipSync }, { tar: middle, pack: zstdCompressSync }, { tar: above }] },
  ]);
  writeFiles(join(folder, 'oci'), layout);
  writeFileSync(join(folder, 'oci.tar'), tarOf([...layout].map(([name, content]) => ({ name, content }))));
  writeFileSync(join(folder, 'docker.tar'), dockerArchive('study:1', layers));
  writeFileSync(join(folder, 'docker.tar.gz'), gzipSync(dockerArchive('study:1', layers)));
  writeFileSync(join(folder, 'legacy.tar'), dockerArchive('study:1', [below, middle, middle, above], true));
  for (const name of ['oci', 'oci.tar', 'docker.tar', 'docker.tar.gz', 'legacy.tar']) {
    const open = name === 'oci' ? layoutRoot : archiveRoot;
    await using root = await open(join(folder, name), name);
    assert.deepEqual(await contents(root), whole, name);
    const [etc, kept, again] = await root.lstat(['/etc', '/etc/kept', '/etc/again']);
    assert.equal(etc?.mode, 0o700);
    assert.equal(kept?.inode, again?.inode);
    assert.deepEqual(root.notes, []);
  }
});

test('a tar that is a root itself stays one, whatever its files are called', async (t) => {
  const file = join(temporary(t), 'root.tar');
  writeFileSync(file, tarOf([{ name: 'manifest.json', content: '{"name": "a web page"}' }, { name: 'etc/.wh.x' }]));
  await using root = await archiveRoot(file, 'tar');
  assert.deepEqual(Object.keys(await contents(root)), ['/', '/etc', '/etc/.wh.x', '/manifest.json']);
});

test('of several images, the one that is named, or the one for this machine', async (t) => {
  const folder = temporary(t);
  const layer = (name: string) => [{ tar: tarOf([{ name }]) }];
  const here = process.arch === 'x64' ? 'amd64' : process.arch;
  writeFiles(
    join(folder, 'named'),
    ociLayout([
      { name: 'a', layers: layer('a') },
      { name: 'b', layers: layer('b') },
    ]),
  );
  await using named = await layoutRoot(join(folder, 'named'), 'oci', { wanted: 'b' });
  assert.deepEqual(Object.keys(await contents(named)), ['/', '/b']);
  await assert.rejects(layoutRoot(join(folder, 'named'), 'oci'), (error) => hint(error).includes('a, b'));
  await assert.rejects(layoutRoot(join(folder, 'named'), 'oci', { wanted: 'c' }), (error) =>
    hint(error).includes('a, b'),
  );
  const machines = [
    { platform: { os: 'linux', architecture: 'ppc64le' }, layers: layer('other') },
    { platform: { os: 'linux', architecture: here }, layers: layer('ours') },
    { platform: { os: 'unknown', architecture: 'unknown' }, layers: layer('attestation') },
  ];
  writeFiles(join(folder, 'machines'), ociLayout(machines));
  await using ours = await layoutRoot(join(folder, 'machines'), 'oci');
  assert.deepEqual(Object.keys(await contents(ours)), ['/', '/ours']);
});

test('what is broken or hostile is refused by name, and nothing is read out of its place', async (t) => {
  const folder = temporary(t);
  const refused = async (name: string, change: (files: Map<string, Buffer>) => void, says: RegExp) => {
    const files = ociLayout([{ layers: [{ tar: below }] }]);
    change(files);
    const at = join(folder, name);
    writeFiles(at, files);
    await assert.rejects(layoutRoot(at, name), (error) => error instanceof UserError && says.test(error.message), name);
  };
  const blobOf = (files: Map<string, Buffer>, content: Buffer) =>
    [...files].find(([, found]) => found.equals(content))?.[0] ?? '';
  const other = Buffer.from(below);
  other[512 * 2 + 3] = 0x78;
  await refused(
    'layer',
    (files) => files.set(blobOf(files, below), tarOf([{ name: 'etc/other' }])),
    /layer sha256.* is not what/,
  );
  await refused('gone', (files) => files.delete(blobOf(files, below)), /lacks its layer/);
  await refused('garbage', (files) => files.set(blobOf(files, below), Buffer.alloc(4096, 7)), /not a tar/);
  await refused(
    'index',
    (files) => files.set('index.json', Buffer.from('{"manifests":[{"digest":"sha256:../../x"}]}')),
    /digest that is none/,
  );
  await refused('no image', (files) => files.set('index.json', Buffer.from('{"manifests":[]}')), /no image in it/);
  await refused('text', (files) => files.set('index.json', Buffer.from('[')), /names is no image/);
  const outside = join(folder, 'outside.tar');
  writeFileSync(outside, below);
  const files = ociLayout([{ layers: [{ tar: below }] }]);
  const blob = blobOf(files, below);
  files.delete(blob);
  writeFiles(join(folder, 'linked'), files);
  mkdirSync(join(folder, 'linked/blobs/sha256'), { recursive: true });
  symlinkSync(outside, join(folder, 'linked', blob));
  await assert.rejects(layoutRoot(join(folder, 'linked'), 'linked'), /lacks its layer/);
  await assert.rejects(layoutRoot(folder, 'none'), /no OCI layout/);
});

test('a layer that leads out of the root, or is deep without end, costs its own members only', async (t) => {
  const file = join(temporary(t), 'image.tar');
  const hostile: TarMember[] = [
    { name: '../../etc/passwd', content: 'x' },
    { name: '../.wh.etc' },
    { name: 'd/'.repeat(5000) },
    { name: 'l', type: 'link', target: '/' },
    { name: 'l/in', content: 'x' },
    { name: '.wh.' },
    { name: '.wh...' },
    { name: 'sub/deep/.wh...', content: '' },
    { name: 'fine', content: 'x' },
  ];
  writeFileSync(file, dockerArchive('x', [tarOf([{ name: 'sub/stays', content: 'x' }]), tarOf(hostile)]));
  await using root = await archiveRoot(file, 'tar');
  assert.deepEqual(Object.keys(await contents(root)), ['/', '/fine', '/l', '/sub', '/sub/stays']);
  assert.equal(root.notes.length, 4);
});

async function contents(root: Root): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { path, type } of root.scan()) {
    found[path] = type === 'file' ? String(await root.readFile(path)) : type;
  }
  return found;
}

function hint(error: unknown): string {
  return error instanceof UserError ? (error.hint ?? '') : '';
}

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-image-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
