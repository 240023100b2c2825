import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { UserError } from '../model/index.ts';
import { loadConfig } from './config.ts';

/** A user's and a system's folder, with these files in them. */
function places(
  t: TestContext,
  user?: string,
  system?: string,
): { home: string; env: Record<string, string>; top: string } {
  const top = mkdtempSync(join(tmpdir(), 'repronim-config-'));
  t.after(() => rmSync(top, { recursive: true, force: true }));
  const home = join(top, 'user');
  for (const folder of [home, join(top, 'system/repronim')]) mkdirSync(folder, { recursive: true });
  if (user !== undefined) writeFileSync(join(home, 'config.toml'), user);
  if (system !== undefined) writeFileSync(join(top, 'system/repronim/config.toml'), system);
  return { home, top, env: { XDG_CONFIG_DIRS: join(top, 'system') } };
}

test('the user wins over the system, the environment over both, setting by setting', (t) => {
  const { home, env, top } = places(
    t,
    'backend = "chroot"\n[docker]\nhost = "unix:///a"\n[snapshot.mirrors]\ndebian = "https://m.example.org"\n',
    '[docker]\nhost = "unix:///b"\ntimeout = 30\n',
  );
  const config = loadConfig({
    env: { ...env, REPRONIM_DOCKER_TIMEOUT: '5', REPRONIM_YES: '1', REPRONIM_HOME: '/x', HOME: '/y' },
    home,
  });
  assert.deepEqual(config.table('docker'), { host: 'unix:///a', timeout: '5' });
  assert.deepEqual(config.table('snapshot'), { mirrors: { debian: 'https://m.example.org' } });
  assert.deepEqual(config.table('nothing'), {});
  const user = join(home, 'config.toml');
  assert.deepEqual(config.entries(), [
    { key: 'backend', value: 'chroot', from: user },
    { key: 'docker.host', value: 'unix:///a', from: user },
    { key: 'docker.timeout', value: '5', from: 'REPRONIM_DOCKER_TIMEOUT' },
    { key: 'snapshot.mirrors.debian', value: 'https://m.example.org', from: user },
    { key: 'yes', value: '1', from: 'REPRONIM_YES' },
  ]);
  assert.deepEqual(loadConfig({ env, home: join(top, 'gone') }).table('docker'), { host: 'unix:///b', timeout: 30 });
});

test('REPRONIM_CONFIG names the one file that counts, and it must be there', (t) => {
  const { home, env, top } = places(t, 'a = 1\n', 'b = 2\n');
  const file = join(top, 'mine.toml');
  writeFileSync(file, 'c = 3\n');
  assert.deepEqual(loadConfig({ env: { ...env, REPRONIM_CONFIG: file }, home }).entries(), [
    { key: 'c', value: 3, from: file },
  ]);
  assert.throws(
    () => loadConfig({ env: { REPRONIM_CONFIG: join(top, 'gone.toml') }, home }),
    (error: unknown) =>
      error instanceof UserError && error.status === 2 && error.message.endsWith("gone.toml: can't be read: ENOENT"),
  );
});

test('a file that is no TOML is told with its position', (t) => {
  const { home, env } = places(t, 'a = 1\n[docker]\nhost = unix\n');
  assert.throws(
    () => loadConfig({ env, home }),
    (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.equal(error.status, 2);
      assert.match(error.message, /user\/config\.toml:3:8: [a-z][^\n]*$/);
      return true;
    },
  );
});

test('keys can not reach into objects', (t) => {
  const { home, env } = places(t, '[a.__proto__]\npolluted = 1\n["__proto__"]\nx = 1\n');
  const config = loadConfig({ env, home });
  config.table('a');
  config.table('__proto__');
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  assert.equal(({} as Record<string, unknown>)['x'], undefined);
});
