/** A stock Debian root against the spec that was traced from it: equal, and then one changed thing at a time. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { chmodSync, chownSync, cpSync, existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';

import type { CreateContext } from '../../src/contract/index.ts';
import { distributions } from '../../src/distributions/index.ts';
import { fingerprintOf, volatileOf } from '../../src/flows/fingerprint.ts';
import { trace } from '../../src/flows/trace.ts';
import { madeFrom, verify } from '../../src/flows/verify.ts';
import type { Spec } from '../../src/model/index.ts';
import { localRoot } from '../../src/roots/local.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { straceTracer } from '../../src/tracers/strace/index.ts';
import { fakeContext } from '../fakes/fake-root.ts';
import { mirror, need, scratch } from './need.ts';

const directory = scratch('verify');
const root = join(directory, 'root');
const source = join(directory, 'source');
let context: CreateContext;
let spec: Spec;

before(async () => {
  await need('mmdebstrap');
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' };
  await runProcess(['mmdebstrap', '--variant=minbase', 'bookworm', root, `deb ${await mirror()} bookworm main`], {
    env,
  });
  await runProcess(['cp', '-a', '--', root, source]);
  context = fakeContext(directory);
  const looking = { ...context, scope: 'all', keep: false, whole: [] } as const;
  const parts = { distributions, tracer: straceTracer };
  ({ spec } = await trace({ root: localRoot(root), system: true, except: [] }, parts, looking, directory));
});

const look = () =>
  verify(spec, localRoot(root), { distributions, context, ...madeFrom({ directory: source }), unvouched: [] });
const print = async () => (await fingerprintOf(localRoot(root), { volatile: volatileOf(spec, distributions) })).digest;

test('a stock root is what was traced from it, and nothing in it is unknown', async (t) => {
  const started = performance.now();
  const verdict = await look();
  t.diagnostic(`${Math.round(performance.now() - started)} ms for ${verdict.levels.contents?.checked} files`);
  assert.deepEqual(
    Object.values(verdict.levels).flatMap(({ differing }) => differing),
    [],
  );
  assert.ok((verdict.levels.packages?.checked ?? 0) > 70);
  assert.ok((verdict.levels.contents?.checked ?? 0) > 2000);
  assert.equal(verdict.fingerprint, await print());
});

test('files of packages, drawn at random: a byte, a mode, an owner, a missing one', async (t) => {
  const seed = randomInt(2 ** 31);
  t.diagnostic(`seed ${seed}`);
  let state = seed;
  const draw = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % below;
  };
  const lists = await runProcess(['sh', '-c', 'cat "$1"/var/lib/dpkg/info/*.md5sums', 'sh', root]);
  const files = lists.stdout
    .toString()
    .trim()
    .split('\n')
    .map((line) => `/${line.slice(34)}`);
  const clean = await print();
  for (let round = 0; round < 4; round += 1) {
    const path = files[draw(files.length)] as string;
    const file = join(root, path);
    if (!existsSync(file)) continue; // excluded by dpkg's configuration
    const stat = lstatSync(file);
    const content = readFileSync(file);
    if (!stat.isFile() || content.length === 0) continue;
    const at = draw(content.length);
    const changes: Readonly<Record<string, () => void>> = {
      changed: () =>
        writeFileSync(
          file,
          content.map((byte, index) => (index === at ? byte ^ 1 : byte)),
        ),
      mode: () => chmodSync(file, stat.mode ^ 0o022),
      owner: () => chownSync(file, 7, stat.gid),
      missing: () => rmSync(file),
    };
    for (const [kind, change] of Object.entries(changes)) {
      change();
      const { equal, levels } = await look();
      assert.equal(equal, false, `${kind} ${path}`);
      const [found] = levels.contents?.differing ?? [];
      assert.equal(found?.kind, kind, path);
      assert.ok(path.endsWith(found?.path.replace(/^\/usr/, '') ?? '?'), `${path} is named, not ${found?.path}`);
      assert.notEqual(await print(), clean, `${kind} ${path}`);
      cpSync(join(source, path), file);
      chownSync(file, stat.uid, stat.gid);
      chmodSync(file, stat.mode);
    }
    assert.equal(await print(), clean);
  }
});

test('what is planted anywhere is named', async () => {
  for (const path of [
    '/usr/bin/hi',
    '/var/lib/evil',
    '/srv/x',
    '/home/evil',
    '/usr/lib/evil.pyc',
    '/root/.profile.d',
  ]) {
    writeFileSync(join(root, path), 'planted');
    const { levels } = await look();
    assert.deepEqual(levels.contents?.differing, [{ path, kind: 'unknown' }]);
    rmSync(join(root, path));
  }
});
