/** Conda prefixes that a real installer made: recorded, laid again by ours with the same bytes, moved, verified. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { parse, parseDocument } from 'yaml';

import { fetchAll } from '../../src/archives/fetch.ts';
import type { Wanted } from '../../src/contract/index.ts';
import { conda } from '../../src/distributions/conda/index.ts';
import type { CondaLock, CondaSpec } from '../../src/distributions/conda/spec.ts';
import { checkRecords } from '../../src/distributions/conda/observe.ts';
import { localRoot } from '../../src/roots/local.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { layInto } from '../fakes/conda-prefix.ts';
import { contexts } from '../fakes/contexts.ts';
import { serve, type Served } from '../fakes/serve.ts';
import { commandIn } from './command.ts';
import { makeChannel, makeWheel, rattlerIn, type Rattler } from './conda-world.ts';
import { withDockerd } from './dockerd.ts';
import { need, scratch } from './need.ts';

const skip = process.getuid?.() === 0 ? false : 'only root can install what it needs and write below /srv';

describe('conda', { skip, concurrency: 1 }, () => {
  const folder = scratch('conda');
  const home = join(folder, 'home');
  const file = join(folder, 'traced.yaml');
  const ends: (() => Promise<void>)[] = [];
  let place: string;
  let env: string;
  let served: Served;
  let rattler: Rattler;
  let docker: string;
  let wheel: string;
  const run = async (...words: string[]) => await commandIn(home, { DOCKER_HOST: docker })(...words);

  before(async () => {
    await need('strace');
    place = mkdtempSync('/srv/repronim-conda-');
    env = join(place, 'env');
    ends.push(async () => rmSync(place, { recursive: true, force: true }));
    docker = await withDockerd({ after: (end) => ends.unshift(end) });
    await makeChannel(join(folder, 'channel'));
    served = await serve(join(folder, 'channel'));
    rattler = await rattlerIn(folder);
    await rattler.install(served.url, env, ['pure >=0.5', 'python']);
    wheel = await makeWheel(folder);
    await rattler.pip(env, 'install', '--no-index', '--no-compile', wheel);
  });
  after(async () => {
    await served[Symbol.asyncDispose]();
    for (const end of ends) await end();
  });

  const read = () => {
    const value = parse(readFileSync(file, 'utf8')) as {
      distributions: CondaSpec[];
      lock: { distributions: { conda: CondaLock } };
    };
    const spec = value.distributions.find(({ type }) => type === 'conda');
    assert.ok(spec);
    return { spec, lock: value.lock.distributions.conda };
  };

  test('a trace names channel, packages and what was asked for; pip’s are told apart', async () => {
    const said = await run('trace', '-f', '-o', file, '--', join(env, 'bin/pure-cli'));
    assert.equal(said.stdout, `greetings from ${env}/share\n`, said.stderr);
    const { spec, lock } = read();
    assert.equal(spec.path, env);
    assert.deepEqual(spec.channels, [served.url]);
    assert.deepEqual(spec.packages, ['libgreet==1.2', 'pure==0.5', 'python==3.11.2']);
    assert.deepEqual(spec.pip, ['tiny==1.0']);
    assert.deepEqual(
      lock.packages.map(({ name, build, subdir, requested }) => [name, build, subdir, requested]),
      [
        ['libgreet', 'h0_0', 'linux-64', undefined],
        ['pure', 'pyh0', 'noarch', 'pure >=0.5'],
        ['python', 'h1_cpython', 'linux-64', 'python'],
      ],
    );
    assert.deepEqual(lock.needs, ['__glibc >=2.17']);
    assert.match(lock.virtual?.['__glibc'] ?? '', /^2\.\d+$/);
    assert.deepEqual(lock.variables, { GREET_HOME: 'x' });
    // what artifacts bring is not kept
    assert.ok((lock.rest?.size ?? 0) < 1_000_000, `${lock.rest?.size} bytes are kept`);
    assert.ok((lock.size ?? 0) > 10_000_000);
  });

  for (const backend of ['chroot', 'docker'] as const) {
    test(`reproduced with ${backend}`, async () => {
      const said = await run('reproduce', '-b', backend, '--rm', file);
      assert.equal(said.status, 0, said.stdout + said.stderr);
      assert.match(said.stdout + said.stderr, /^reproduced: same environment, same results\.$/m);
    });
  }

  test('planted modifications are found, and nothing else is', async (t) => {
    t.after(async () => await run('delete', '--yes', 'planted'));
    const created = await run('create', 'planted', '-b', 'chroot', file);
    assert.equal(created.status, 0, created.stderr);
    const clean = await run('verify', 'planted');
    assert.equal(clean.status, 0, clean.stdout + clean.stderr);
    const script = `
echo "# by hand" >> ${env}/lib/python3.11/os.py
rm ${env}/lib/pkgconfig/greet.pc
chmod 0700 ${env}/bin/greet
ln -sf elsewhere ${env}/lib/libgreet.so
echo evil > ${env}/lib/python3.11/site-packages/evil.py
`;
    const planted = await run('exec', 'planted', '--', 'sh', '-c', script);
    assert.equal(planted.status, 0, planted.stderr);
    const verified = await run('verify', '--json', 'planted');
    assert.equal(verified.status, 3, verified.stderr);
    const { levels } = JSON.parse(verified.stdout) as {
      levels: { contents: { differing: { path: string; kind: string }[] } };
    };
    assert.deepEqual(
      levels.contents.differing.map(({ path, kind }) => [path.slice(env.length + 1), kind]),
      [
        ['bin/greet', 'mode'],
        ['lib/libgreet.so', 'changed'],
        ['lib/pkgconfig/greet.pc', 'missing'],
        ['lib/python3.11/os.py', 'changed'],
        ['lib/python3.11/site-packages/evil.py', 'unknown'],
      ],
    );
  });

  test('at another path it is what the real installer makes there', async (t) => {
    t.after(async () => await run('delete', '--yes', 'moved'));
    const other = join(place, 'other/and-longer-than-before');
    const moved = join(folder, 'moved.yaml');
    const document = parseDocument(readFileSync(file, 'utf8').replaceAll(`path: ${env}\n`, `path: ${other}\n`));
    document.delete('runs');
    document.deleteIn(['lock', 'runs']);
    writeFileSync(moved, document.toString({ lineWidth: 0 }));
    // nothing has to be asked of a channel for that
    const resolved = await run('resolve', moved);
    assert.equal(resolved.status, 0, resolved.stderr);
    const created = await run('create', 'moved', '-b', 'chroot', moved);
    assert.equal(created.status, 0, created.stderr);
    const cli = await run('exec', 'moved', '--', join(other, 'bin/pure-cli'));
    assert.equal(cli.stdout, `greetings from ${other}/share\n`, cli.stderr);
    const tiny = await run('exec', 'moved', '--', join(other, 'bin/tiny'));
    assert.equal(tiny.stdout, 'tiny\n', tiny.stderr);
    const verified = await run('verify', 'moved');
    assert.equal(verified.status, 0, verified.stdout + verified.stderr);

    await rattler.install(served.url, other, ['pure >=0.5', 'python']);
    await rattler.pip(other, 'install', '--no-index', '--no-compile', wheel);
    const listed = await run('exec', 'moved', '--', 'sh', '-c', `cd ${other} && ${listing}`);
    assert.deepEqual(differences(listed.stdout, await list(other)), []);
    await using root = localRoot('/');
    assert.deepEqual((await checkRecords(other, root)).differing, []);
  });

  test('a loose description is solved, and laid as the real installer lays it', async (t) => {
    const here = contexts(t);
    const creating = {
      ...here.creating,
      fetch: async (wanted: readonly Wanted[]) => await fetchAll(wanted, here.creating),
    };
    const where = join(place, 'loose');
    const wish: CondaSpec = { type: 'conda', path: where, channels: [served.url], packages: ['pure>=0.5'] };
    const lock = await conda.resolve?.(wish, undefined, creating, []);
    assert.ok(lock);
    const { missing } = await creating.fetch(await conda.wanted(wish, { of: 'sha256:', ...lock }, creating));
    assert.deepEqual(missing, []);
    await layInto(join(here.folder, 'root'), wish, lock, here);
    await rattler.install(served.url, where, ['pure >=0.5']);
    assert.deepEqual(differences(await list(join(here.folder, 'root', where)), await list(where)), []);
  });
});

/** Contents, modes and links of what packages have, each installer's own notes aside. */
const listing = `find . \\( -path ./conda-meta -o -path ./__clobbers__ -o -path ./CACHEDIR.TAG -o -name __pycache__ \\) -prune -o ! -type d -printf '%p %m %l ' \\( -type f -exec sha256sum {} \\; -o -printf '\\n' \\) | LC_ALL=C sort`;

function differences(ours: string, theirs: string): readonly string[] {
  const [a, b] = [new Set(ours.split('\n')), new Set(theirs.split('\n'))];
  assert.ok(b.size > 500);
  return [...[...a.difference(b)].map((line) => `- ${line}`), ...[...b.difference(a)].map((line) => `+ ${line}`)];
}

async function list(folder: string): Promise<string> {
  return (await runProcess(['sh', '-c', listing], { cwd: folder })).stdout.toString();
}
