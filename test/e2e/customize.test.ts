/** Steps of one's own, a spec on top of another one, and images that have no spec: made, verified, told apart. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import type { Verdict } from '../../src/model/index.ts';
import { commandIn, type Said } from './command.ts';
import { scratch } from './need.ts';

const top = mkdtempSync(join(tmpdir(), 'repronim-customize-'));
after(() => rmSync(top, { recursive: true, force: true }));
const home = scratch('customize');
const run = commandIn(home);
const study = join(top, 'study.yaml');

function done({ status, stdout, stderr }: Said): string {
  assert.equal(status, 0, stderr);
  return stdout;
}

before(async () => {
  mkdirSync(join(top, 'bases'));
  const base = join(top, 'bases/base.yaml');
  done(await run('trace', '-q', '-o', base, '--', 'true'));
  const steps = `customize:\n- run: [sh, -c, 'echo "$1" > /etc/mine; echo >> /etc/debian_version', sh, two words $HOME]\n`;
  writeFileSync(base, readFileSync(base, 'utf8').replace(/^lock:$/m, `${steps}lock:`));
  writeFileSync(join(top, 'motd'), 'hello\n');
  writeFileSync(
    study,
    `repronim: 1
# on top of what true needs
from: bases/base.yaml
distributions: []
customize:
- file: {path: /srv/a/motd, source: motd, mode: "0640"}
- run: [rm, /etc/issue.net]
`,
  );
});

test('a derived spec is made exact, and keeps what is its own', async () => {
  done(await run('resolve', study));
  const text = readFileSync(study, 'utf8');
  assert.match(text, /^# on top of what true needs\nfrom: bases\/base\.yaml$/m);
  assert.match(text, /source: motd/);
  assert.match(text, /^lock:\n {2}from: sha256:[0-9a-f]{64}\n$/m);
  assert.doesNotMatch(text, /base-files/);
});

test('the plan names every step, and what steps made is the user’s own', async () => {
  const plan = done(await run('create', '--dry-run', study));
  assert.deepEqual(
    plan.match(/made by customize step \d/g),
    [1, 2, 3].map((step) => `made by customize step ${step}`),
  );
  done(await run('create', 'customized', study));
  assert.equal(
    done(await run('exec', 'customized', '--', 'cat', '/etc/mine', '/srv/a/motd')),
    'two words $HOME\nhello\n',
  );
  const verdict = JSON.parse(done(await run('verify', '--json', 'customized'))) as Verdict;
  const own = (verdict.levels.contents?.explained ?? []).filter(({ explained }) => explained?.includes('customize'));
  assert.deepEqual(
    own.map(({ path, kind, explained }) => `${path} ${kind} ${explained?.slice(-1)}`),
    ['/etc/debian_version changed 1', '/etc/issue.net missing 3', '/etc/mine unknown 1', '/srv/a/motd unknown 2'],
  );
});

test('what is changed afterwards is not', async () => {
  done(await run('exec', 'customized', '--', 'sh', '-c', 'echo >> /etc/mine; chmod 644 /srv/a/motd; touch /etc/new'));
  const said = await run('verify', '--json', 'customized');
  assert.equal(said.status, 3);
  const { levels } = JSON.parse(said.stdout) as Verdict;
  assert.deepEqual(
    levels.contents?.differing.map(({ path, kind }) => `${path} ${kind}`),
    ['/etc/mine changed', '/etc/new unknown', '/srv/a/motd mode'],
  );
});

test('an image names what it is on top of; without a spec it is used, and there is nothing to verify', async () => {
  done(await run('image', 'build', study, '-t', 'customized:1'));
  const layout = join(top, 'layout');
  done(await run('image', 'export', 'customized:1', '--format', 'oci', '-o', layout));
  const read = (name: string) =>
    JSON.parse(readFileSync(join(layout, name), 'utf8')) as Readonly<Record<string, never>>;
  const [{ digest }] = read('index.json')['manifests'] as unknown as [{ digest: string }];
  const annotations = read(`blobs/${digest.replace(':', '/')}`)['annotations'] as unknown as Readonly<
    Record<string, string>
  >;
  const [, from] = /^ {2}from: (sha256:[0-9a-f]{64})$/m.exec(readFileSync(study, 'utf8')) ?? [];
  assert.equal(annotations['org.opencontainers.image.base.digest'], from);

  const tar = join(top, 'plain.tar');
  done(await run('image', 'export', 'customized:1', '--format', 'tar', '-o', tar));
  rmSync(`${tar}.yaml`, { force: true });
  const other = commandIn(join(top, 'other'));
  done(await other('image', 'import', tar, '-t', 'plain'));
  done(await other('create', 'plain', '--image', 'plain'));
  assert.equal(done(await other('exec', 'plain', '--', 'cat', '/srv/a/motd')), 'hello\n');
  const verified = await other('verify', 'plain');
  assert.equal(verified.status, 2);
  assert.match(verified.stderr, /was not made from a spec/);
  done(await run('create', 'again', '--image', 'customized:1'));
  assert.match(done(await run('verify', 'again')), /is what its spec says/);
});

test('a base that has changed is noticed', async () => {
  const base = join(top, 'bases/base.yaml');
  writeFileSync(base, readFileSync(base, 'utf8').replace('two words', 'three words'));
  const refused = await run('create', 'late', study);
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /is another than when that was locked\nhint: {2}repronim resolve /);
});

test('steps for one backend come from the settings', async () => {
  const settings = join(top, 'config.toml');
  writeFileSync(settings, '[[backends.chroot.customize]]\nrun = ["touch", "/etc/here-only"]\n');
  done(await run('resolve', study));
  const configured = commandIn(home, { REPRONIM_CONFIG: settings });
  done(await configured('create', 'configured', study));
  assert.match(done(await configured('exec', 'configured', '--', 'ls', '/etc')), /^here-only$/m);
  assert.match(done(await configured('verify', 'configured')), /is what its spec says/);
  writeFileSync(settings, '[[backends.chroot.customize]]\nrun = "touch /x"\n');
  const refused = await configured('create', 'refused', study);
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /\[backends\.chroot\] customize\.0\.run: /);
});
