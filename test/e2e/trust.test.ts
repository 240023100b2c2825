/** Who vouches for packages: only verified lists do, not what stands in a file. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';

import { debian } from '../../src/distributions/debian/index.ts';
import type { CreateContext, Trust } from '../../src/contract/index.ts';
import { sha256 } from '../../src/model/index.ts';
import type { AptLock, AptPackage, AptSpec } from '../../src/toolkits/apt/spec.ts';
import { contexts } from '../fakes/contexts.ts';
import { serve, type Served } from '../fakes/serve.ts';
import { mirror, need, scratch } from './need.ts';
import { makeKey, publishIndex, type SigningKey } from './repository.ts';

const directory = scratch('trust');
const archive = join(directory, 'archive');
const spec: AptSpec = { type: 'debian', release: 'own', architecture: 'amd64' };
let ours: SigningKey;
let theirs: SigningKey;
let served: Served;

before(async () => {
  await need('gpg', 'gpg-agent', 'gpgconf', 'gpgv');
  ours = await makeKey(join(directory, 'a'), 'ours');
  theirs = await makeKey(join(directory, 'b'), 'theirs');
  mkdirSync(archive);
  served = await serve(archive);
  for (const [suite, key] of [
    ['ours', ours],
    ['theirs', theirs],
    ['snapshot', ours],
  ] as const) {
    const at = suite === 'snapshot' ? join(archive, 'archive/debian/20250101T120000Z') : archive;
    await publishIndex(at, { suite: suite === 'snapshot' ? 'ours' : suite, fields: {}, key }, [paragraph(suite)]);
  }
});
after(async () => {
  await served[Symbol.asyncDispose]();
  for (const key of [ours, theirs]) await key[Symbol.asyncDispose]();
});

const hash = (name: string) => sha256(`${name}.deb`);
const paragraph = (name: string) =>
  `Package: ${name}\nVersion: 1\nArchitecture: amd64\nFilename: pool/${name}.deb\nSize: 4\nSHA256: ${hash(name)}\n`;
const locked = (name: string, from: string, more: Partial<AptPackage> = {}): AptPackage => ({
  name,
  version: '1',
  architecture: 'amd64',
  from,
  path: `pool/${name}.deb`,
  size: 4,
  sha256: hash(name),
  why: 'used',
  ...more,
});

async function lockOf(context: CreateContext, packages: readonly AptPackage[]): Promise<AptLock> {
  const key = await context.store.add(readFileSync(theirs.file));
  const origin = (dist: string) => ({
    source: 'own',
    uri: served.url,
    dist,
    component: 'main',
    origin: 'Debian',
    label: 'Own',
    date: '2025-01-01T00:00:00Z',
  });
  return {
    of: 'sha256:',
    architectures: ['amd64'],
    packages,
    origins: { ours: origin('ours'), theirs: origin('theirs') },
    keys: { [theirs.fingerprint]: key },
  };
}

async function ask(context: CreateContext, packages: readonly AptPackage[]): Promise<Trust | undefined> {
  return await debian.trust?.(spec, await lockOf(context, packages), context);
}

function contextOf(t: TestContext): CreateContext {
  const { creating } = contexts(t);
  const tables: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    apt: { keyrings: ours.file },
    snapshot: { debian: served.url },
  };
  return { ...creating, settings: (name) => tables[name] ?? {} };
}

test('by an archive that this machine trusts, by a key that the file brings, by nobody', async (t) => {
  const context = contextOf(t);
  const { from: _from, path: _path, ...unknown } = locked('repacked', '', { repacked: true });
  const packages = [
    locked('ours', 'ours'),
    locked('theirs', 'theirs'),
    locked('snapshot', 'ours'),
    locked('changed', 'ours', { name: 'ours', architecture: 'all' }),
    unknown,
  ];
  const expected = {
    packages: 5,
    byMachine: 2,
    byBundle: 1,
    byNobody: ['ours:all', 'repacked:amd64'],
    because: '1 repacked; in no signed list',
  };
  assert.deepEqual(await ask(context, packages), expected);
  const asked = served.requests.length;
  assert.deepEqual(await ask(context, packages), expected);
  assert.equal(served.requests.length, asked, 'it is remembered');
});

test('a key in the file is worth nothing without a list that it has signed', async (t) => {
  const context = contextOf(t);
  const trust = await ask(context, [locked('other', 'theirs'), locked('theirs', 'theirs', { sha256: hash('evil') })]);
  assert.deepEqual([trust?.byBundle, trust?.byNobody], [0, ['other:amd64', 'theirs:amd64']]);
  const stranger = { ...context, settings: (name: string) => (name === 'apt' ? {} : context.settings(name)) };
  const alone = await ask(stranger, [locked('ours', 'ours')]);
  assert.deepEqual([alone?.byMachine, alone?.byBundle], [0, 0], 'a good signature by nobody that is known');
});

test('what this machine has from its own archive needs no network', async (t) => {
  const uri = await mirror();
  const { creating } = contexts(t);
  const wish = {
    type: 'debian',
    release: 'bookworm',
    packages: [],
    sources: [{ name: 'debian', uri, suites: ['bookworm'] }],
  };
  const lock = (await debian.resolve?.(wish, undefined, creating, [])) as Omit<AptLock, 'of'>;
  const origins = Object.fromEntries(
    Object.entries(lock.origins ?? {}).map(([key, origin]) => [
      key,
      { ...origin, uri: 'http://nowhere.invalid', origin: 'None', label: 'None' },
    ]),
  );
  const started = performance.now();
  const trust = await debian.trust?.(wish, { of: 'sha256:', ...lock, origins }, creating);
  t.diagnostic(`${Math.round(performance.now() - started)} ms for ${trust?.packages} packages`);
  assert.deepEqual([trust?.byMachine, trust?.byNobody], [lock.packages.length, []]);
});
