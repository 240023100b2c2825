import assert from 'node:assert/strict';
import { createReadStream, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';
import { test, type TestContext } from 'node:test';

import { contexts, unpackSteps } from '../../../test/fakes/contexts.ts';
import { localRoot } from '../../roots/local.ts';
import { runProcess } from '../../sessions/process.ts';
import { git } from './index.ts';
import type { GitLock, GitSpec } from '../../toolkits/vcs/repository/spec.ts';

const env = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  LC_ALL: 'C.UTF-8',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.org',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.org',
};

async function run(cwd: string, ...args: string[]): Promise<string> {
  return (await runProcess(['git', ...args], { cwd, env })).stdout.toString('utf8');
}

/** Serves a folder over http on loopback, as git's "dumb" protocol wants it; returns its address. */
async function serve(t: TestContext, folder: string): Promise<string> {
  const server = createServer((request, response) => {
    const file = join(folder, normalize(new URL(request.url ?? '/', 'http://x').pathname));
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200);
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

/** A published repository, and a clone of it with one commit that was not pushed. */
async function study(t: TestContext) {
  const all = contexts(t);
  const published = join(all.folder, 'published');
  mkdirSync(published);
  await run(published, 'init', '-q', '-b', 'main', 'work');
  writeFileSync(join(published, 'work/a.txt'), 'one\n');
  await run(join(published, 'work'), 'add', '-A');
  await run(join(published, 'work'), 'commit', '-q', '-m', 'first');
  await run(join(published, 'work'), 'tag', '-a', '-m', 'v1', 'v1');
  await run(published, 'clone', '-q', '--bare', 'work', 'study.git');
  await run(join(published, 'study.git'), 'update-server-info');
  const address = `${await serve(t, published)}/study.git`;
  const machine = join(all.folder, 'machine');
  mkdirSync(machine);
  await run(machine, 'clone', '-q', address, 'study');
  writeFileSync(join(machine, 'study/a.txt'), 'two\n');
  await run(join(machine, 'study'), 'commit', '-q', '-a', '-m', 'second');
  const root = localRoot(machine);
  const owned = await git.claim(['/study/a.txt'], root, all.tracing);
  const [one] = (await git.describe(owned, root, all.tracing)).distributions;
  const spec = one?.spec as GitSpec;
  const lock = { of: `sha256:${'0'.repeat(64)}`, ...one?.lock } as GitLock;
  return { ...all, machine, published, address, spec, lock };
}

test('what a remote has comes from there, the rest from the store', async (t) => {
  const { spec, lock, creating, store, folder, machine, address } = await study(t);
  assert.equal(spec.remote, address);
  assert.ok(lock.pack !== undefined, 'small histories are kept whole');
  const head = (await run(join(machine, 'study'), 'rev-parse', 'HEAD')).trim();
  // as it is for a large history
  const scratch = join(folder, 'unpushed');
  const made = await runProcess(['git', 'pack-objects', '--revs', '-q', scratch], {
    cwd: join(machine, 'study'),
    env,
    input: `${head}\n--not\norigin/main\n`,
  });
  const unpushed = await store.addFile(`${scratch}-${made.stdout.toString('latin1').trim()}.pack`);
  const { pack: _, ...rest } = lock;
  const large: GitLock = { ...rest, unpushed };
  const prepared = await git.prepare?.(spec, large, creating);
  assert.deepEqual([prepared?.from, prepared?.missing], [{ remote: 1 }, []]);
  await unpackSteps(git.plan(spec, large, prepared?.made ?? {}), join(folder, 'made'), store);
  const place = join(folder, 'made/study');
  assert.equal(readFileSync(join(place, 'a.txt'), 'utf8'), 'two\n');
  assert.equal(
    await run(place, 'status', '--porcelain=v2', '--branch'),
    await run(join(machine, 'study'), 'status', '--porcelain=v2', '--branch'),
  );
  assert.match(await run(place, 'describe'), /^v1-1-g/);
  assert.ok(!existsSync(join(place, '.git/refs/fetched')));
  await run(place, 'fsck', '--strict');
});

test('nobody has it: every place that was tried is told', async (t) => {
  const { spec, lock, creating, published, address } = await study(t);
  rmSync(join(published, 'study.git'), { recursive: true });
  const { pack: _, ...rest } = lock;
  const remotes = { origin: address, backup: '/srv/git/study.git', ext: 'ext::sh -c touch% /tmp/x' };
  const prepared = await git.prepare?.({ ...spec, remotes }, rest, creating);
  assert.deepEqual(prepared?.made, {});
  const [missing] = prepared?.missing ?? [];
  assert.match(missing?.what ?? '', /^commit [0-9a-f]{40} of \/study$/);
  assert.deepEqual(
    missing?.tried.map(({ label }) => label),
    ['the store', address],
    'no path of this machine, and no helper',
  );
});

test('a repository in the same place is taken for one’s own trace only', async (t) => {
  const { spec, lock, creating, machine, published } = await study(t);
  rmSync(join(published, 'study.git'), { recursive: true });
  const { pack: _, ...rest } = lock;
  const here = { ...spec, path: join(machine, 'study') };
  const strange = await git.prepare?.(here, rest, creating);
  assert.equal(strange?.missing.length, 1);
  const own = await git.prepare?.(here, rest, { ...creating, trusted: true });
  assert.deepEqual([own?.from, own?.missing], [{ 'this machine': 1 }, []]);
});

test('a loose entry is resolved to a commit, and made from its remote', async (t) => {
  const { address, creating, folder, store } = await study(t);
  const wish: GitSpec = { type: 'git', path: '/work/study', remote: address, branch: 'main' };
  const lock = {
    of: `sha256:${'0'.repeat(64)}`,
    ...(await git.resolve?.(wish, undefined, creating, [])),
  } as GitLock;
  assert.match(lock.commit ?? '', /^[0-9a-f]{40}$/);
  const prepared = await git.prepare?.(wish, lock, creating);
  assert.deepEqual(prepared?.missing, []);
  await unpackSteps(git.plan(wish, lock, prepared?.made ?? {}), join(folder, 'made'), store);
  assert.equal(readFileSync(join(folder, 'made/work/study/a.txt'), 'utf8'), 'one\n');
  assert.equal(await run(join(folder, 'made/work/study'), 'status', '--porcelain'), '');
  const held = await git.resolve?.(wish, { ...lock, commit: '1'.repeat(40) }, creating, []);
  assert.equal(held?.commit, '1'.repeat(40), 'what is held stays');
  const renewed = await git.resolve?.(wish, { ...lock, commit: '1'.repeat(40) }, creating, true);
  assert.equal(renewed?.commit, lock.commit);
  const { branch: _, ...traced } = wish;
  const upstream = 'refs/remotes/origin/main';
  const moved = await git.resolve?.(traced, { ...lock, commit: '1'.repeat(40), upstream }, creating, true);
  assert.deepEqual([moved?.commit, moved?.upstream], [lock.commit, upstream], 'of the branch that the lock names');
  await assert.rejects(
    async () => await git.resolve?.(traced, { ...lock, upstream: 'refs/remotes/origin/gone' }, creating, true),
    /has no branch gone/,
  );
});
