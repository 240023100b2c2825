import assert from 'node:assert/strict';

import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { fingerprintOf } from '../../src/flows/fingerprint.ts';
import { localRoot } from '../../src/roots/local.ts';
import { volatile } from '../../src/toolkits/apt/read/packages.ts';
import { layRoot, type LayOptions } from '../../src/toolkits/apt/lay/lay.ts';
import { mirror, need, scratch } from './need.ts';
import { oracle, type Oracle } from './oracle.ts';
import { differences } from './trees.ts';

await need('mmdebstrap', 'uidmap', 'strace');
const folder = scratch('lay', 4 * 2 ** 30);
chmodSync(folder, 0o755);

test('bookworm with git and numpy is what mmdebstrap makes of the same packages', async (t) => {
  await compare(t, await made('bookworm', ['git', 'python3-numpy']), {});
});

test('bookworm with users, overrides, diversions, alternatives and daemons is what mmdebstrap makes', async (t) => {
  const include = ['dbus', 'ca-certificates', 'man-db', 'postfix', 'cron', 'sudo', 'vim-tiny', 'openssh-client'];
  // postfix writes the host's own name down, and a random certificate is made for it
  const volatileHere = ['/etc/postfix/main.cf', '/etc/aliases.db', '/etc/ssl/certs/', '/etc/ssl/private/'];
  await compare(t, await made('bookworm', include), { volatileHere });
});

test('trixie, whose packages know that /usr is merged, is what mmdebstrap makes', async (t) => {
  await compare(t, await made('trixie', ['git', 'python3-numpy']), {});
});

test('bullseye, whose /usr mmdebstrap does not merge, is what mmdebstrap makes', async (t) => {
  // Python 3.9 writes sets of constants in the order of their hashes: no two mmdebstraps agree on these
  const volatileHere = ['/usr/**/__pycache__/*.cpython-39.pyc'];
  await compare(t, await made('bullseye', ['git', 'python3-numpy']), { merged: false, volatileHere });
});

interface Comparison {
  readonly merged?: boolean;
  readonly volatileHere?: readonly string[];
}

async function made(release: string, include: readonly string[]): Promise<Oracle> {
  const own = join(folder, `${release}-${include.length}`);
  mkdirSync(own, { recursive: true });
  return await oracle(release, include, await mirror(), own);
}

async function compare(t: TestContext, { root, debs }: Oracle, { merged = true, volatileHere = [] }: Comparison) {
  const directory = `${root}-ours`;
  t.after(() => {
    rmSync(join(root, '..'), { recursive: true, force: true });
  });
  await layRoot(debs, directory, options({ merged }));
  assert.equal(existsSync(join(directory, '.repronim-lay')), false);
  assert.equal(existsSync(join(directory, 'usr/sbin/policy-rc.d')), false);
  const extra = volatileHere.map((pattern) => ({ pattern, because: 'this test' }));
  const list = [...volatile, ...extra];
  const [theirs, ours] = [localRoot(root), localRoot(directory)];
  const [a, b] = [await fingerprintOf(theirs, { volatile: list }), await fingerprintOf(ours, { volatile: list })];
  assert.ok(a.entries > 5000);
  assert.deepEqual(b, a, `differing:\n${(await differences(theirs, ours, list)).slice(0, 20).join('\n')}`);
}

function options(of: Partial<LayOptions>): LayOptions {
  return {
    merged: true,
    architectures: ['amd64'],
    holds: [],
    cache: join(folder, 'payloads'),
    trusted: false,
    signal: new AbortController().signal,
    onProgress: () => {},
    ...of,
  };
}
