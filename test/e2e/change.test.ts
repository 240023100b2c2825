/** install, upgrade and uninstall on a live instance, from a repository of our own beside the machine's archive. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { writeSpec } from '../../src/formats/spec/write.ts';
import { distributions } from '../../src/distributions/index.ts';
import type { Spec } from '../../src/model/index.ts';
import { serve, type Served } from '../fakes/serve.ts';
import { mirror, need, scratch } from './need.ts';
import { myself, start, type } from './person.ts';
import { makeDeb, makeKey, publish, type SigningKey } from './repository.ts';

const directory = scratch('change');
const archive = join(directory, 'archive');
let key: SigningKey;
let served: Served;

before(async () => {
  await need('gpg', 'gpg-agent', 'gpgconf', 'gpgv');
  key = await makeKey(join(directory, 'k'), 'archive');
  mkdirSync(archive);
  served = await serve(archive);
  const folder = join(directory, 'debs');
  const debs = [
    await makeDeb(folder, {
      name: 'greet',
      version: '1',
      fields: { 'Pre-Depends': 'greet-data (= 1)' },
      files: { '/usr/bin/greet': '#!/bin/sh\necho one\n', '/etc/greet.conf': 'a\n' },
    }),
    await makeDeb(folder, { name: 'greet-data', version: '1', files: { '/usr/share/greet/data': '1\n' } }),
    await makeDeb(folder, {
      name: 'greet',
      version: '2',
      fields: { 'Pre-Depends': 'greet-more (= 2)', Breaks: 'greet-data (<< 2)' },
      files: { '/usr/bin/greet': '#!/bin/sh\necho two\n', '/etc/greet.conf': 'b\n' },
    }),
    await makeDeb(folder, {
      name: 'greet-more',
      version: '2',
      files: { '/usr/share/greet/data': '2\n' },
      fields: { Replaces: 'greet-data', Conflicts: 'greet-data' },
    }),
  ];
  await publish(archive, { suite: 'mine', fields: { Origin: 'Mine', Label: 'Mine', Codename: 'mine' }, debs, key });
  writeFileSync(
    join(directory, 'env.yaml'),
    `repronim: 1
distributions:
- type: debian
  release: bookworm
  sources:
  - {name: debian, uri: "${await mirror()}", suites: [bookworm], components: [main]}
  - {name: mine, uri: "${served.url}", suites: [mine], components: [main], signed-by: ${key.fingerprint}}
  packages: [hello]
`,
  );
});
after(async () => {
  await served[Symbol.asyncDispose]();
  await key[Symbol.asyncDispose]();
});

test('a live instance changes and its spec follows; what comes of it is what a fresh one is', async (t) => {
  const plain = myself(join(directory, 'home'));
  const me = { ...plain, env: { ...plain.env, REPRONIM_APT_KEYRINGS: key.file } };
  const types = async (...words: string[]) => await type(me, words, { directory });
  const does = async (...words: string[]) => {
    const said = await types(...words);
    assert.equal(said.status, 0, `${words.join(' ')}: ${said.stderr}${said.stdout}`);
    return said;
  };
  const fingerprint = async (name: string) => (await does('fingerprint', name)).stdout;
  t.after(async () => await types('delete', '--yes', 'live', 'fresh'));
  await does('create', 'live', 'env.yaml');
  const first = await fingerprint('live');

  const refused = await types('install', '-r', 'live', 'greet=1');
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /nobody can be asked here\nhint: .*--yes/);
  const planned = await does('install', '-n', '-r', 'live', 'greet=1');
  assert.match(planned.stdout, /\+ greet +1\n +\+ greet-data +1\n2 changes in/);
  assert.equal(await fingerprint('live'), first);

  await does('install', '-y', '-r', 'live', 'greet=1');
  assert.equal((await does('exec', 'live', '--', 'greet')).stdout, 'one\n');
  await does('verify', 'live');
  const { spec } = JSON.parse((await does('show', '--json', 'live')).stdout) as { spec: Spec };
  writeFileSync(join(directory, 'fresh.yaml'), writeSpec(spec, { distributions }));
  await does('create', 'fresh', 'fresh.yaml');
  assert.equal(await fingerprint('live'), await fingerprint('fresh'));
  assert.match(
    (await does('exec', 'live', '--', 'apt-cache', 'policy', 'greet')).stdout,
    /\*\*\* 1 500\n +500 .* mine\/main/,
  );

  // what somebody does to it is found, also where it was changed before
  await does('exec', 'live', '--', 'sh', '-c', 'echo >>/usr/share/greet/data; echo x >/opt/x');
  const verdict = await types('verify', 'live');
  assert.equal(verdict.status, 3, verdict.stdout);
  assert.match(verdict.stdout, /\/opt\/x +unknown/);
  assert.match(verdict.stdout, /\/usr\/share\/greet\/data +changed +greet-data 1/);
  await does('exec', 'live', '--', 'rm', '/opt/x');

  await does('upgrade', '-y', '-r', 'live', 'debian:greet');
  assert.equal((await does('exec', 'live', '--', 'sh', '-c', 'greet; cat /etc/greet.conf')).stdout, 'two\nb\n');
  await does('verify', 'live');
  assert.match((await does('upgrade', '-y', '-r', 'live', 'greet')).stderr, /live has that already/);

  const wrong = await types('uninstall', '-y', '-r', 'live', 'greet-more');
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /greet-more is none of the packages that the spec lists/);
  await does('uninstall', '-y', '-r', 'live', 'greet');
  await does('verify', 'live');
  assert.equal(await fingerprint('live'), first);
});

test('kill -9 at any moment of a change: verify tells the truth, and doing it again ends it', async (t) => {
  const plain = myself(join(directory, 'home'));
  const me = { ...plain, env: { ...plain.env, REPRONIM_APT_KEYRINGS: key.file } };
  const types = async (...words: string[]) => await type(me, words, { directory });
  t.after(async () => await types('delete', '--yes', 'victim'));
  assert.equal((await types('create', 'victim', 'env.yaml')).status, 0);
  const record = join(directory, 'home/state/instances/victim.json');
  const ends: string[] = [];
  for (const [round, moment] of [0, 60, 120, 250, 400, 700].entries()) {
    const words =
      round % 2 === 0 ? ['install', '-y', '-r', 'victim', 'greet'] : ['uninstall', '-y', '-r', 'victim', 'greet'];
    const child = start(me, words, { directory });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const seen = () => readFileSync(record, 'utf8').includes('"becoming"') || child.exitCode !== null;
    while (!seen()) await sleep(5);
    await sleep(moment);
    child.kill('SIGKILL');
    await ended;
    const shown = JSON.parse((await types('show', '--json', 'victim')).stdout) as { becoming?: string; spec: Spec };
    const verdict = await types('verify', 'victim');
    assert.ok([0, 3].includes(verdict.status), verdict.stderr);
    // what is not whole says that it was on the way to something
    if (verdict.status === 3) assert.ok(shown.becoming !== undefined, `${moment} ms: ${verdict.stdout}`);
    if (shown.becoming !== undefined) assert.match(verdict.stderr, /was being turned into/);
    ends.push(`${moment} ms: ${verdict.status}${shown.becoming === undefined ? '' : ' on the way'}`);
    const again = await types(...words);
    const done = again.status === 0 || /is none of the packages/.test(again.stderr);
    assert.ok(done, again.stderr);
    const whole = await types('verify', 'victim');
    assert.equal(whole.status, 0, `${moment} ms: ${whole.stdout}${whole.stderr}`);
    assert.doesNotMatch(whole.stderr, /was being turned into/);
  }
  t.diagnostic(ends.join('; '));
});
