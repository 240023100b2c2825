/** Packages that no mirror has any more, from a service in the shape of snapshot.debian.org, with this machine's own packages in it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';

import { parse, stringify } from 'yaml';

import { sha256 } from '../../src/model/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { withDeb } from '../../src/toolkits/apt/lay/deb.ts';
import type { AptLock, AptPackage } from '../../src/toolkits/apt/spec.ts';
import { parseSums } from '../../src/toolkits/apt/read/sums.ts';
import { serve, type Served } from '../fakes/serve.ts';
import { commandIn } from './command.ts';
import { need, scratch } from './need.ts';

const directory = scratch('snapshot');
const files = join(directory, 'service');
const file = join(directory, 'env.yaml');
const filled = join(directory, 'filled');
let served: Served;
let packages: readonly AptPackage[];

/** How the service behaves; each test sets it. */
const manner = { busy: 0, breaks: new Set<string>(), retried: [] as number[] };

/** The pool of every mirror lacks them: their paths are not there. */
before(async () => {
  await need('gpgv');
  writeFileSync(file, 'repronim: 1\ndistributions:\n- type: debian\n  release: bookworm\n  packages: [hello]\n');
  const run = commandIn(filled);
  for (const words of [
    ['resolve', file],
    ['create', 'first', file],
  ]) {
    const said = await run(...words);
    assert.equal(said.status, 0, said.stderr);
  }
  await run('delete', '--yes', 'first');
  packages = lockIn(file).packages;
  mkdirSync(join(files, 'file'), { recursive: true });
  for (const one of packages) {
    const stored = storedFile(filled, one.sha256);
    const sha1 = createHash('sha1').update(readFileSync(stored)).digest('hex');
    linkSync(stored, join(files, 'file', sha1));
    const folder = join(files, 'mr/binary', one.name, one.version);
    mkdirSync(folder, { recursive: true });
    const result = [{ hash: sha1, architecture: one.architecture }];
    const fileinfo = {
      [sha1]: [
        {
          archive_name: 'debian',
          name: `${one.name}.deb`,
          path: '/pool',
          size: one.size,
          first_seen: '20250101T000000Z',
        },
      ],
    };
    const answer = { _comment: 'a test', binary: one.name, binary_version: one.version, result, fileinfo };
    writeFileSync(join(folder, 'binfiles'), JSON.stringify(answer));
  }
  served = await serve(files, answer);
});
after(async () => await served[Symbol.asyncDispose]());
beforeEach(() => {
  manner.busy = 0;
  manner.breaks.clear();
  manner.retried.length = 0;
  served.requests.length = 0;
});

/** Busy for a while, or breaking off in the middle of a file, once. */
function answer(request: IncomingMessage, response: ServerResponse): boolean {
  if (manner.busy > 0) {
    manner.busy -= 1;
    manner.retried.push(Date.now());
    response.writeHead(429, { 'retry-after': '1' }).end();
    return true;
  }
  const name = (request.url ?? '').split('/').at(-1) ?? '';
  if (!manner.breaks.delete(name)) return false;
  const path = join(files, 'file', name);
  const half = Buffer.alloc(Math.floor(statSync(path).size / 2));
  const descriptor = openSync(path, 'r');
  readSync(descriptor, half, 0, half.length, 0);
  closeSync(descriptor);
  response.writeHead(200, { 'content-length': statSync(path).size });
  response.write(half, () => setTimeout(() => response.destroy(), 50));
  return true;
}

interface Written {
  readonly lock: { readonly distributions: { debian: AptLock } };
}

const storedFile = (home: string, digest: string) =>
  join(home, 'data/store/sha256', digest.slice(0, 2), digest.slice(2));
const lockIn = (path: string) => (parse(readFileSync(path, 'utf8')) as Written).lock.distributions.debian;

/** The spec with other packages in its lock, in a file of its own. */
function withPackages(name: string, change: (one: AptPackage) => AptPackage): string {
  const value = parse(readFileSync(file, 'utf8'), { schema: 'failsafe' }) as Written;
  const { debian } = value.lock.distributions;
  const changed = { ...debian, packages: debian.packages.map((one) => change(one)) };
  const path = join(directory, `${name}.yaml`);
  writeFileSync(path, stringify({ ...value, lock: { distributions: { debian: changed } } }));
  return path;
}

const gone = (one: AptPackage): AptPackage => ({ ...one, path: `pool/gone/${one.name}.deb` });
const inHome = (name: string) => commandIn(join(directory, name), { REPRONIM_SNAPSHOT_DEBIAN: served.url });

test('all of a lock from the service: two at a time, busy, a line that breaks', async (t) => {
  const run = inHome('all');
  t.after(async () => await run('delete', '--yes', 'old'));
  manner.busy = 3;
  const largest = packages.toSorted((a, b) => b.size - a.size).slice(0, 3);
  for (const one of largest) manner.breaks.add(sha1Of(one));
  const spec = withPackages('all', gone);
  const created = await run('create', 'old', spec);
  assert.equal(created.status, 0, created.stderr);
  assert.match(created.stderr, new RegExp(`${packages.length} from a snapshot service|${packages.length} .*snapshot`));
  assert.ok(served.most() <= 2, `${served.most()} at a time`);
  assert.equal(manner.busy, 0);
  assert.equal(manner.breaks.size, 0);
  for (const one of largest) {
    const asked = served.requests.filter((url) => url.endsWith(sha1Of(one)));
    assert.ok(asked.length >= 2, `${one.name} was asked for again`);
  }
  assert.equal((await run('verify', 'old')).status, 0);
});

test('what was put together from installed files is recognised by its md5sums', async (t) => {
  const run = inHome('all'); // its store has all but the one
  t.after(async () => await run('delete', '--yes', 'again'));
  const one = packages.find(({ name }) => name === 'hello') as AptPackage;
  const contents = await withDeb(storedFile(filled, one.sha256), one.name, async ({ control }) => {
    const sums = control.find(({ name }) => name === 'md5sums')?.content.toString('latin1') ?? '';
    return parseSums(sums).contents;
  });
  const repacked = (other: AptPackage): AptPackage => {
    if (other.name !== one.name) return gone(other);
    const { from: _from, path: _path, also: _also, ...rest } = other;
    return {
      ...rest,
      repacked: true,
      sha256: sha256('not had'),
      size: 7,
      ...(contents === undefined ? {} : { contents }),
    };
  };
  const created = await run('create', 'again', withPackages('repacked', repacked));
  assert.equal(created.status, 0, created.stderr);
  assert.match((await run('exec', 'again', '--', 'hello')).stdout, /Hello, world!/);
  const other = withPackages('unrecognised', (candidate) => {
    const changed = repacked(candidate);
    return changed.repacked === true
      ? { ...changed, sha256: sha256('nor this'), contents: `sha256:${sha256('other')}` }
      : changed;
  });
  const refused = await run('create', 'never', other);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /hello .* can be had nowhere/);
});

test('a flipped byte in a stored package: refused, named, fetched again', async (t) => {
  const run = inHome('all');
  t.after(async () => await run('delete', '--yes', 'flipped'));
  const one = packages.find(({ name }) => name === 'hello') as AptPackage;
  const stored = storedFile(join(directory, 'all'), one.sha256);
  const before = readFileSync(stored);
  const descriptor = openSync(stored, 'r+');
  const at = Math.floor(before.length / 2);
  writeSync(descriptor, Buffer.of((before[at] ?? 0) ^ 1), 0, 1, at);
  closeSync(descriptor);
  // another lock, for the root of this one is there already
  const spec = withPackages('flipped', (other) => ({
    ...gone(other),
    ...(other.name === 'hello' ? { why: 'used' } : {}),
  }));
  const created = await run('create', 'flipped', spec);
  assert.equal(created.status, 0, created.stderr);
  assert.match(created.stderr, new RegExp(`hello ${one.version.replaceAll('.', '\\.')}.*(?:refused|store)`));
  assert.ok(served.requests.includes(`/file/${sha1Of(one)}`));
  assert.equal(sha256(readFileSync(stored)), one.sha256);
});

test('what can be had nowhere is listed whole, with every place that was tried', async () => {
  const run = inHome('all');
  const lost = ['hello', 'mawk', 'tar'];
  const spec = withPackages('lost', (one) =>
    lost.includes(one.name) ? { ...gone(one), version: `${one.version}+lost`, sha256: sha256(one.name) } : gone(one),
  );
  const { status, stderr } = await run('create', 'lost', spec);
  assert.equal(status, 1, stderr);
  assert.match(stderr, /3 things can be had nowhere/);
  for (const name of lost) {
    const from = stderr.indexOf(`${name} `);
    assert.ok(from !== -1, stderr);
    const part = stderr.slice(from, from + 1200);
    assert.match(part, /apt's cache: not there/);
    assert.match(part, new RegExp(`pool/gone/${name}\\.deb: 404`));
    assert.ok(part.includes(`${served.url} (404`), part);
  }
  const left = await runProcess(['ls', join(directory, 'all', 'data/rootfs')], { accept: 'any' });
  assert.ok(!left.stdout.toString().includes('.new'));
  assert.doesNotMatch((await run('ls')).stdout, /lost/);
});

function sha1Of(one: AptPackage): string {
  return createHash('sha1')
    .update(readFileSync(storedFile(filled, one.sha256)))
    .digest('hex');
}
