import assert from 'node:assert/strict';
import { test } from 'node:test';

import { holdsSecret, isSecretPath } from './secret.ts';

test('places for keys and tokens, whole folders and single files', () => {
  const secret = [
    '/root/.ssh',
    '/root/.ssh/id_rsa.pub',
    '.ssh/config',
    '/home/u/.config/gcloud/x/y',
    '/home/u/.config/git/credentials',
    '/home/u/study/.env',
    '/home/u/study/.env.local',
    '.npmrc',
    '/opt/x/key.p12',
    '/x/id_ed25519',
  ];
  const open = [
    '/',
    '/root/.sshd/x',
    '/root/ssh/x',
    '/home/u/.config/git/config',
    '/home/u/study/.env.example',
    '/home/u/x.npmrc',
    '/x/id_rsa.md',
    '/x/.env/bin/python',
  ];
  assert.deepEqual(
    secret.filter((path) => !isSecretPath(path)),
    [],
  );
  assert.deepEqual(open.filter(isSecretPath), []);
});

test('a private key in any file, a password in the configuration of a client of packages', () => {
  const index = 'index-url = https://me:pa55@pypi.example.org/simple';
  assert.ok(holdsSecret('/home/u/x', '-----BEGIN PRIVATE KEY-----'));
  assert.ok(holdsSecret('/etc/pip.conf', index));
  assert.ok(holdsSecret('/home/u/.condarc', 'channels: [https://conda.example.org/t/tk-1/main]'));
  assert.ok(!holdsSecret('/etc/pip.conf', 'index-url = https://pypi.example.org/simple'));
  assert.ok(!holdsSecret('/home/u/notes.txt', index));
});
