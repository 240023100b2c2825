import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import type { Need } from '../../contract/index.ts';
import { localRoot } from '../../roots/local.ts';
import { asBase } from './as-base.ts';
import { configuredSources } from './solve/sources.ts';

const needs: readonly Need[] = [
  { program: 'git', debian: ['git'], redhat: ['git-core'] },
  { program: 'python3', debian: ['python3'], redhat: ['python3'] },
];

function machine(t: TestContext, release: string) {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-base-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'etc'));
  writeFileSync(join(folder, 'etc/os-release'), release);
  return localRoot(folder);
}
const nothing = { settings: () => ({}) };
const set = {
  settings: () => ({
    vendor: 'rocky',
    release: '9.4',
    sources: { baseos: 'https://mirror.example.org/{vendor}/{release}/BaseOS/{architecture}/os', bad: 'file:///x' },
  }),
};

test('a machine of this family is the base of what has none, by its own release', async (t) => {
  const root = machine(t, 'ID="centos"\nVERSION_ID="8"\nID_LIKE="rhel fedora"\n');
  assert.deepEqual(await asBase('redhat', needs, nothing, root), {
    spec: { type: 'redhat', vendor: 'centos', release: '8', packages: ['git-core', 'python3'] },
    own: true,
  });
});

test('elsewhere it is what the settings say, and nothing where they do not', async (t) => {
  const root = machine(t, 'ID=debian\nVERSION_ID="12"\n');
  assert.equal(await asBase('redhat', needs, nothing, root), undefined);
  const offer = await asBase('redhat', [], set, root);
  assert.deepEqual(offer, { spec: { type: 'redhat', vendor: 'rocky', release: '9.4' }, own: false });
  assert.deepEqual(configuredSources({ ...offer.spec, architecture: 'i686' }, set), [
    { name: 'baseos', uri: 'https://mirror.example.org/rocky/9.4/BaseOS/i386/os' },
  ]);
});
