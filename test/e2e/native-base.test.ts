/** The image that a distribution publishes, with the locked packages put into it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { runProcess } from '../../src/sessions/process.ts';
import { commandIn, type Said } from './command.ts';
import { withDockerd } from './dockerd.ts';
import { need, scratch } from './need.ts';
import { smallRoot } from './roots.ts';

function done({ status, stdout, stderr }: Said): string {
  assert.equal(status, 0, stderr);
  return stdout;
}

test('an image that is not there is not pulled; one that is there is taken in once', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('a docker daemon of our own needs root');
  const address = await withDockerd(t);
  const env = { PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', DOCKER_HOST: address };
  if ((await runProcess(['docker', '--version'], { env, accept: 'any' })).status !== 0) await need('docker.io');
  const top = mkdtempSync(join(tmpdir(), 'repronim-base-'));
  t.after(() => rmSync(top, { recursive: true, force: true }));
  const reference = `repronim-test-base:${process.pid}`;
  const settings = join(top, 'config.toml');
  writeFileSync(settings, `[bases]\ndebian = "${reference}"\n`);
  const run = commandIn(scratch('native-base'), { DOCKER_HOST: address, REPRONIM_CONFIG: settings });
  const spec = join(top, 'true.yaml');
  done(await run('trace', '-q', '-o', spec, '--', 'true'));

  const refused = await run('create', 'based', spec, '--set', 'base=native');
  assert.equal(refused.status, 4, refused.stderr);
  assert.match(refused.stderr, new RegExp(`hint: {2}docker pull ${reference}`));

  const { directory } = await smallRoot();
  const root = join(top, 'root.tar');
  await runProcess(['tar', '-C', directory, '-cf', root, '.'], { env });
  await runProcess(['docker', 'import', root, reference], { env });
  t.after(async () => await runProcess(['docker', 'rmi', '-f', reference], { env, accept: 'any' }));
  done(await run('create', 'based', spec, '--set', 'base=native'));
  assert.match(done(await run('verify', 'based')), /is what its spec says/);
  done(await run('exec', 'based', '--', 'true'));
  await runProcess(['docker', 'rmi', '-f', reference], { env });
  done(await run('create', 'again', spec, '--set', 'base=native'));
  assert.match(done(await run('image', 'ls')), new RegExp(`from docker:${reference}`));
});
