/** A repository of somebody's own over Debian: recorded with key, suite, component and pin, and made again. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { parse } from 'yaml';

import { enclose } from '../../src/sessions/confined.ts';
import { runProcess } from '../../src/sessions/process.ts';
import type { AptLock, AptSpec } from '../../src/toolkits/apt/spec.ts';
import { serve, type Served } from '../fakes/serve.ts';
import { commandIn } from './command.ts';
import { mirror, need, scratch } from './need.ts';
import { makeDeb, makeKey, publish, type SigningKey } from './repository.ts';

const directory = scratch('overlay');
const root = join(directory, 'root');
const file = join(directory, 'traced.yaml');
const asked = ['apt-cache', 'policy', 'hello', 'befoo', 'mawk'] as const;
let key: SigningKey;
let served: Served;
let policy: string;

/** A root of mmdebstrap's with two packages of the overlay: one that is older than Debian's, one that only it has. */
before(async () => {
  await need('mmdebstrap', 'gpg', 'gpg-agent', 'gpgconf', 'gpgv');
  key = await makeKey(join(directory, 'k'), 'overlay');
  const repository = join(directory, 'repository');
  const made = join(directory, 'made');
  const debs = [
    await makeDeb(made, {
      name: 'hello',
      version: '2.9-0lab1',
      files: { '/usr/bin/hello': '#!/bin/sh\necho hello from the lab\n' },
    }),
    await makeDeb(made, {
      name: 'befoo',
      version: '1:1.0-1',
      fields: { Depends: 'mawk', Source: 'befoo-src (1.0-1)' },
      files: { '/usr/bin/befoo': '#!/bin/sh\necho befoo\n' },
    }),
    await makeDeb(made, { name: 'mawk', version: '0.1' }),
  ];
  const fields = { Origin: 'Lab', Label: 'Lab overlay', Codename: 'lab-stable', Version: '3' };
  await publish(repository, { suite: 'stable', fields, debs, key, date: new Date('2025-03-04T05:06:07Z') });
  served = await serve(repository);

  const source = `deb ${await mirror()} bookworm main`;
  await runProcess(['mmdebstrap', '--quiet', '--variant=minbase', 'bookworm', root, source], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', TMPDIR: directory },
  });
  mkdirSync(join(root, 'etc/apt/keyrings'), { recursive: true });
  copyFileSync(key.file, join(root, 'etc/apt/keyrings/lab.gpg'));
  writeFileSync(
    join(root, 'etc/apt/sources.list.d/lab.sources'),
    `Types: deb\nURIs: ${served.url}\nSuites: stable\nComponents: main\nSigned-By: /etc/apt/keyrings/lab.gpg\n`,
  );
  writeFileSync(
    join(root, 'etc/apt/preferences.d/lab'),
    'Package: hello\nPin: release o=Lab,l=Lab overlay\nPin-Priority: 990\n',
  );
  await using session = await enclose({ root, level: 'trusted', network: 'host', mounts: [] });
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C.UTF-8',
    DEBIAN_FRONTEND: 'noninteractive',
    ...proxies(),
  };
  const unchecked = ['-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Check-Valid-Until=false'];
  await session.run(['apt-get', ...unchecked, '--quiet=2', 'update'], { env });
  const install = ['install', '--yes', '--no-install-recommends', 'hello', 'befoo'];
  await session.run(['apt-get', ...unchecked, '--quiet=2', ...install], { env });
  policy = (await session.run(asked, { env })).stdout.toString();
});
after(async () => {
  await served[Symbol.asyncDispose]();
  await key[Symbol.asyncDispose]();
});

function proxies(): Record<string, string> {
  const names = ['http_proxy', 'https_proxy', 'no_proxy'];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

const read = (path: string) => {
  const value = parse(readFileSync(path, 'utf8')) as {
    distributions: AptSpec[];
    lock: { distributions: { debian: AptLock } };
  };
  return { spec: value.distributions[0] as AptSpec, lock: value.lock.distributions.debian };
};
const run = commandIn(join(directory, 'home'));

test('the original takes the overlay’s: the pin beats what is newer in Debian', () => {
  assert.match(policy, /^hello:\n {2}Installed: 2\.9-0lab1\n {2}Candidate: 2\.9-0lab1\n[^]* {5}2\.10-\S+ 500$/m);
  assert.match(policy, /^befoo:\n {2}Installed: 1:1\.0-1\n/m);
});

test('it is recorded with key, suite, component and pin', async () => {
  const said = await run(
    'trace',
    '--in',
    `root:${root}`,
    '--path',
    '/usr/bin/hello',
    '--path',
    '/usr/bin/befoo',
    '-o',
    file,
  );
  assert.equal(said.status, 0, said.stderr);
  const { spec, lock } = read(file);
  assert.deepEqual(spec.packages, ['befoo=1:1.0-1', 'hello=2.9-0lab1']);
  assert.deepEqual(
    spec.sources?.find(({ uri }) => uri === served.url),
    {
      name: 'lab-overlay',
      uri: served.url,
      suites: ['stable'],
      components: ['main'],
      label: 'Lab overlay',
      'signed-by': key.fingerprint,
    },
  );
  assert.deepEqual(
    spec.pins?.map(({ packages, pin, priority }) => [packages, pin, String(priority)]),
    [['hello', 'release o=Lab,l=Lab overlay', '990']],
  );
  assert.deepEqual(
    lock.packages.filter(({ from }) => from?.startsWith('lab-overlay/') === true).map(({ name }) => name),
    ['befoo', 'hello'],
  );
  assert.ok(Object.hasOwn(lock.keys ?? {}, key.fingerprint));
  assert.equal(lock.origins?.['lab-overlay/stable/main']?.codename, 'lab-stable');
});

test('made again, apt sees the same candidates for the same reasons, without a network', async (t) => {
  t.after(async () => await run('delete', '--yes', 'lab'));
  const created = await run('create', 'lab', file);
  assert.equal(created.status, 0, created.stderr);
  assert.equal((await run('exec', 'lab', '--', 'hello')).stdout, 'hello from the lab\n');
  const there = await run('exec', 'lab', '--', ...asked);
  assert.equal(there.status, 0, there.stderr);
  assert.equal(there.stdout, policy);
  const verified = await run('verify', 'lab');
  assert.equal(verified.status, 0, verified.stdout + verified.stderr);
});

test('a loose spec that names it resolves to the same', async (t) => {
  const loose = join(directory, 'loose.yaml');
  const { lock: traced } = read(file);
  const debian = await mirror();
  writeFileSync(
    loose,
    `repronim: 1
distributions:
- type: debian
  release: bookworm
  sources:
  - {name: debian, uri: "${debian}", suites: [bookworm], components: [main]}
  # ours
  - {name: lab, uri: "${served.url}", suites: [stable], components: [main], signed-by: ${key.fingerprint}}
  packages: [befoo, hello]
  pins:
  - {packages: hello, pin: "release l=Lab overlay", priority: 990}
`,
  );
  const unknown = await commandIn(join(directory, 'home2'))('resolve', loose);
  assert.equal(unknown.status, 4, unknown.stderr);
  assert.match(unknown.stderr, /lab .* is signed by the key [0-9A-F]{40}, which is not on this machine/);
  const knowing = commandIn(join(directory, 'home'), { REPRONIM_APT_KEYRINGS: key.file });
  t.after(async () => await knowing('delete', '--yes', 'loose'));
  const resolved = await knowing('resolve', loose);
  assert.equal(resolved.status, 0, resolved.stderr);
  const { lock } = read(loose);
  const own = ['befoo', 'hello', 'mawk'];
  const facts = ({ packages }: AptLock) =>
    packages
      .filter(({ name }) => own.includes(name))
      .map(({ name, version, architecture, sha256, source, path, from }) =>
        JSON.stringify([name, version, architecture, sha256, source, path, from?.replace('lab-overlay', 'lab')]),
      );
  assert.deepEqual(facts(lock), facts(traced));
  const created = await knowing('create', 'loose', loose);
  assert.equal(created.status, 0, created.stderr);
  assert.equal((await knowing('exec', 'loose', '--', ...asked)).stdout, policy);
  assert.equal((await knowing('verify', 'loose')).status, 0);
});
