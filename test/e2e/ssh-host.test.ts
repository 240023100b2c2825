/** A host over ssh as it is: what is laid over it, what is taken in there, and what is forgotten when it is gone. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { ssh } from '../../src/backends/ssh/index.ts';
import { testPlace } from '../contract/place.ts';
import { commandIn, type Said } from './command.ts';
import { need, scratch } from './need.ts';
import { smallRoot } from './roots.ts';
import { withSshd } from './sshd.ts';

await need('strace');
const server = await withSshd();
const state = join(server.folder, 'state');
const given = ['--set', `config=${server.config}`, '--set', `folder=${state}`] as const;
testPlace({ backend: ssh, params: { host: 'there', folder: state, config: server.config, into: 'host' } });

const directory = mkdtempSync(join(tmpdir(), 'repronim-ssh-host-'));
const tool = join(directory, 'tool');
const spec = join(directory, 'tool.yaml');
const run = commandIn(scratch('ssh-host'));
const there = ['-b', 'ssh', '--set', 'host=there', '--set', 'into=host', ...given] as const;
after(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

function done({ status, stdout, stderr }: Said): string {
  assert.equal(status, 0, stderr);
  return stdout;
}

before(async () => {
  mkdirSync(join(tool, 'bin'), { recursive: true });
  writeFileSync(join(tool, 'bin/say'), `#!/bin/sh\ncat ${tool}/text\n`);
  chmodSync(join(tool, 'bin/say'), 0o755);
  writeFileSync(join(tool, 'text'), 'it says so\n');
  done(await run('trace', '-q', '-o', spec, '--whole', tool, '--', join(tool, 'bin/say')));
  rmSync(tool, { recursive: true });
});

test('what a spec has over its base is laid over a host, verified, run there, and taken back', async () => {
  assert.match(done(await run('create', '--dry-run', spec, ...there)), /compared with the system that is there/);
  assert.equal(existsSync(tool), false);
  const refused = await run('create', 'there-one', spec, ...there);
  assert.equal(refused.status, 4, refused.stderr);
  assert.match(refused.stderr, /nothing that runs on there is confined\nhint: {2}--trust/);
  done(await run('create', 'there-one', spec, ...there, '--trust'));
  assert.equal(done(await run('exec', 'there-one', '--', join(tool, 'bin/say'))), 'it says so\n');
  assert.match(done(await run('verify', 'there-one')), /is what its spec says/);
  writeFileSync(join(tool, 'text'), 'another\n');
  assert.equal((await run('verify', 'there-one')).status, 3);
  done(await run('delete', '-y', 'there-one'));
  assert.equal(existsSync(tool), false);
});

test('a host and a folder of it are taken in: entered, traced in, compared, and left as they are', async () => {
  const root = (await smallRoot()).directory;
  done(await run('attach', 'host-there', 'ssh:there', ...given));
  const script = 'id -u; pwd; echo "$HOME"';
  assert.equal(done(await run('exec', 'host-there', '--', 'sh', '-c', script)), '0\n/root\n/root\n');
  done(await run('attach', 'folder-there', `ssh:there:${root}`, ...given));
  const changed = 'touch /made && ls /made && ls /etc/debian_version && id -u';
  const said = done(await run('exec', 'folder-there', '--', 'sh', '-c', changed));
  assert.equal(said, '/made\n/etc/debian_version\n0\n');
  assert.equal(existsSync(join(root, 'made')), false);
  assert.equal(done(await run('fingerprint', 'folder-there')), done(await run('fingerprint', `root:${root}`)));
  const file = join(directory, 'traced.yaml');
  const traced = await run('trace', '-q', '--in', 'folder-there', '-o', file, '--', 'cat', '/etc/debian_version');
  assert.match(done(traced), /^1\d\.\d/);
  done(await run('delete', '-y', 'folder-there', 'host-there'));
  assert.deepEqual(readdirSync(join(state, 'instances')), []);
  const missing = await run('attach', 'nowhere', 'ssh:there:/no/such/folder', ...given);
  assert.equal(missing.status, 2);
  assert.match(missing.stderr, /\/no\/such\/folder is not a folder on there/);
});

test('what lies on a host that is gone for good is forgotten where that is said', async () => {
  done(await run('create', 'there-two', spec, ...there, '--trust'));
  await server[Symbol.asyncDispose]();
  const refused = await run('delete', '-y', 'there-two');
  assert.equal(refused.status, 4, refused.stderr);
  assert.match(refused.stderr, /repronim delete --force there-two forgets it/);
  const forgotten = await run('delete', '-y', '--force', 'there-two');
  assert.equal(forgotten.status, 0, forgotten.stderr);
  assert.match(forgotten.stderr, /^forgot there-two, which could not be removed: cannot connect to there/m);
  assert.equal(done(await run('ls')), '');
  rmSync(tool, { recursive: true, force: true });
});
