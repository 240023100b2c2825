import assert from 'node:assert/strict';

import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test, type TestContext } from 'node:test';

import { fingerprintOf } from '../../src/flows/fingerprint.ts';
import type { LaidRoot } from '../../src/contract/index.ts';
import { localRoot } from '../../src/roots/local.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { volatile } from '../../src/toolkits/apt/read/packages.ts';
import { layRoot, type LayOptions } from '../../src/toolkits/apt/lay/lay.ts';
import { mirror, need, scratch } from './need.ts';
import { oracle, type Oracle } from './oracle.ts';
import { differences } from './trees.ts';

await need('mmdebstrap', 'uidmap', 'strace');
const folder = scratch('lay', 4 * 2 ** 30);
chmodSync(folder, 0o755);
const runner = fileURLToPath(new URL('lay-as.ts', import.meta.url));

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

test('an ordinary user lays the same tree, with subordinate ids and without', async (t) => {
  const { root, debs } = await made('bookworm', ['adduser', 'cron', 'sudo', 'login']);
  const user = await ordinaryUser(t);
  if (typeof user === 'string') return t.skip(user);
  const place = join(root, '../user');
  mkdirSync(place);
  chownSync(place, user.uid, user.gid);
  t.after(() => {
    rmSync(join(root, '..'), { recursive: true, force: true });
  });
  for (const { file } of debs) chmodSync(file, 0o644);
  const asRoot = await fingerprintOf(localRoot(root), { volatile });

  const first = await layAs(user.name, debs, join(place, 'subordinate'));
  assert.equal(first.manifest, undefined);
  const shown = manifestOf(first.directory, join(place, 'shown.manifest'), user, user.range);
  const subordinate = await fingerprintOf(localRoot(first.directory), { volatile, manifest: shown });
  assert.equal(subordinate.digest, asRoot.digest);

  await takeRanges(user);
  const second = await layAs(user.name, debs, join(place, 'single'));
  assert.ok(second.manifest !== undefined);
  assert.equal(lstatSync(join(second.directory, 'etc/shadow')).gid, user.gid);
  const single = await fingerprintOf(localRoot(second.directory), { volatile, manifest: second.manifest });
  assert.equal(single.digest, asRoot.digest);
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

interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly range: { readonly first: number; readonly count: number };
}

/** A user of this test with subordinate ids, or why there can be none. */
async function ordinaryUser(t: TestContext): Promise<User | string> {
  const name = `repronim-lay-${process.pid}`.slice(0, 31);
  await runProcess(['useradd', '--create-home', '--shell', '/bin/sh', name]);
  t.after(() => runProcess(['userdel', '--force', '--remove', name], { accept: 'any' }));
  const [uid, gid] = await Promise.all(['-u', '-g'].map(async (flag) => Number((await run('id', flag, name)).trim())));
  const line = readFileSync('/etc/subuid', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, start, count] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined || start === undefined) return 'useradd gave no subordinate ids';
  const reads = await runProcess(['runuser', '-u', name, '--', process.execPath, '--version'], { accept: 'any' });
  const sees = await runProcess(['runuser', '-u', name, '--', 'cat', runner], { accept: 'any' });
  if (reads.status !== 0 || sees.status !== 0) return 'an ordinary user cannot read this checkout';
  return { name, uid, gid, range: { first: Number(start), count: Number(count) } };
}

async function takeRanges({ name, range }: User): Promise<void> {
  const ids = `${range.first}-${range.first + range.count - 1}`;
  await runProcess(['usermod', '--del-subuids', ids, '--del-subgids', ids, name]);
}

async function layAs(name: string, debs: Oracle['debs'], directory: string): Promise<LaidRoot> {
  const cache = join(directory, '../payloads');
  const job = { debs, directory, options: { merged: true, architectures: ['amd64'], holds: [], cache } };
  const argv = ['runuser', '-u', name, '--', process.execPath, runner] as const;
  const { stdout } = await runProcess([...argv], { input: JSON.stringify(job) });
  return JSON.parse(stdout.toString('utf8')) as LaidRoot;
}

/** Owners as they are inside of the namespace, which this process does not see. */
function manifestOf(directory: string, file: string, user: User, range: User['range']): string {
  const inside = (id: number, own: number) => (id === own ? 0 : id - range.first + 1);
  const lines: string[] = [];
  const visit = (path: string) => {
    const { uid, gid } = lstatSync(directory + path);
    lines.push(JSON.stringify({ path: path || '/', uid: inside(uid, user.uid), gid: inside(gid, user.gid) }));
    if (lstatSync(directory + path).isDirectory())
      for (const name of readdirSync(directory + path)) visit(`${path}/${name}`);
  };
  visit('');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

async function run(...argv: [string, ...string[]]): Promise<string> {
  return (await runProcess(argv)).stdout.toString('utf8');
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
