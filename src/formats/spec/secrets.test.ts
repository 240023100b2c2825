import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { cutAddress, cutSecrets, keptEnvironment } from './secrets.ts';
import { allowedVariables } from './variables.ts';

const cut = (...argv: string[]): readonly string[] => cutSecrets({ argv, env: {} }).argv;

test('addresses lose user info and tokens, and nothing else', () => {
  assert.equal(cutAddress('https://u:p@h.org:8/x?a=b#f'), 'https://h.org:8/x?a=b#f');
  assert.equal(cutAddress('https://ghp_x@h.org/r.git'), 'https://h.org/r.git');
  assert.equal(cutAddress('https://u:p@ss@h.org/r.git'), 'https://h.org/r.git');
  assert.equal(cutAddress('https://h.org/x?private_token=1&ref=2'), 'https://h.org/x?ref=2');
  assert.equal(cutAddress('https://h.org/x?X-Amz-Signature=1&sig=2'), 'https://h.org/x');
  assert.equal(cutAddress('ssh://git:pw@h.org/r'), 'ssh://git@h.org/r');
  for (const kept of ['git@h.org:r.git', 'https://h.org/@scope/x', '/a/b', 'file:///a?b=c', ''])
    assert.equal(cutAddress(kept), kept);
});

test('arguments that look like secrets are replaced', () => {
  assert.deepEqual(cut('x', '--password=a b'), ['x', '--password=[secret]']);
  assert.deepEqual(cut('x', '--api-key', 'abcd', 'y'), ['x', '--api-key', '[secret]', 'y']);
  assert.deepEqual(cut('env', 'MY_TOKEN=abcd', './run'), ['env', 'MY_TOKEN=[secret]', './run']);
  assert.deepEqual(cut('/usr/bin/mysql', '-pabc', 'db'), ['/usr/bin/mysql', '-p[secret]', 'db']);
  assert.deepEqual(cut('sshpass', '-p', 'abc', 'ssh', 'h'), ['sshpass', '-p', '[secret]', 'ssh', 'h']);
  assert.deepEqual(cut('curl', '-u', 'me:abc', 'https://h/'), ['curl', '-u', 'me:[secret]', 'https://h/']);
  assert.deepEqual(cut('curl', '-H', 'Authorization: Bearer abc.def'), [
    'curl',
    '-H',
    'Authorization: Bearer [secret]',
  ]);
  assert.deepEqual(cut('sh', '-c', 'export API_TOKEN=abcd; ./run --token abcd'), [
    'sh',
    '-c',
    'export API_TOKEN=[secret]; ./run --token [secret]',
  ]);
  for (const token of [
    `ghp_${'a'.repeat(36)}`,
    'AKIAABCDEFGHIJKLMNOP',
    `hf_${'a'.repeat(34)}`,
    'eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeK',
  ]) {
    assert.deepEqual(cut('x', `--with=${token}`), ['x', '--with=[secret]']);
  }
});

test('arguments that only resemble secrets stay', () => {
  for (const argv of [
    ['sort', '--key', '2', '--key=3', '-k', '1'],
    ['docker', 'run', '-p', '80:80', 'x'],
    ['./run', 'two words', 'tokens.txt', '--tokenizer', 'bert', '--n-tokens', '100'],
    ['x', '--password', '--next'],
    ['mkdir', '-p', 'a/b'],
    ['make', 'KEY=value', '-j2'],
    ['sh', '-c', 'curl --token $TOKEN https://h/x?a=b'],
    ['python3', '-c', 'print("secret")'],
    ['x', '--secret-file=/run/secret'],
  ]) {
    assert.deepEqual(cut(...argv), argv);
  }
});

test('what was replaced is said, without it', () => {
  const { notes, env } = cutSecrets({
    argv: ['x', '--token=abcd'],
    env: { PATH: '/bin', GITHUB_TOKEN: 'abcd', AWS_SECRET_ACCESS_KEY: 'abcd' },
  });
  assert.deepEqual(notes, [
    { kind: 'secret', text: 'argument 1 of the command looks like a secret: replaced' },
    {
      kind: 'secret',
      text: 'variables that look like secrets are not written down: AWS_SECRET_ACCESS_KEY, GITHUB_TOKEN',
    },
  ]);
  assert.ok(!JSON.stringify([notes, env]).includes('abcd'));
});

test('variables of the list and those asked for are kept, never secrets', () => {
  const env = {
    TZ: 'UTC',
    PATH: '/bin',
    LC_ALL: 'C',
    HOME: '/root',
    FSLDIR: '/opt/fsl',
    R_GITHUB_PAT: 'abcd',
    PYTHON_TOKEN: 'abcd',
    MINE: '1',
    MY_SECRET: 'abcd',
    TOKENIZERS_PARALLELISM: 'false',
  };
  assert.deepEqual(keptEnvironment(env), { FSLDIR: '/opt/fsl', LC_ALL: 'C', PATH: '/bin', TZ: 'UTC' });
  assert.deepEqual(Object.keys(keptEnvironment(env, ['MINE', 'MY_SECRET', 'TOKENIZERS_PARALLELISM', 'GONE'])), [
    'FSLDIR',
    'LC_ALL',
    'MINE',
    'PATH',
    'TOKENIZERS_PARALLELISM',
    'TZ',
  ]);
});

test('the list is the one of the documentation', () => {
  const page = readFileSync(new URL('../../../docs/spec.md', import.meta.url), 'utf8');
  const [, list = ''] = /## Environment[^]*?\n```text\n([^]*?)```/.exec(page) ?? [];
  assert.deepEqual(
    list.split(/\s+/).filter((word) => word !== ''),
    allowedVariables,
  );
});
