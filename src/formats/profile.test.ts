import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseProfiles, readProfiles, refuseSecrets, writeProfiles, type Profile } from './profile.ts';

const profiles: readonly Profile[] = [
  { name: 'here', backend: 'chroot', set: {} },
  { name: 'lab', backend: 'docker', set: { host: 'ssh://lab', cpus: '2' } },
];

test('profiles are the same after a round trip in both forms', () => {
  for (const form of ['toml', 'json'] as const) {
    assert.deepEqual(parseProfiles(writeProfiles(profiles, form), `lab.${form}`), profiles);
  }
  assert.deepEqual(readProfiles({ lab: { backend: 'docker', set: { cpus: 2, gpu: true } } }, 'x'), [
    { name: 'lab', backend: 'docker', set: { cpus: '2', gpu: 'true' } },
  ]);
});

test('what is wrong is named with its place', () => {
  assert.throws(() => readProfiles({ lab: { set: {} } }, 'the settings'), { message: /the settings: resources\.lab/ });
  assert.throws(() => readProfiles({ Lab: { backend: 'x' } }, 'f'), { message: /f: resources\.Lab/ });
  assert.throws(() => parseProfiles('a = 1', 'f'), { message: 'f has no resources' });
  assert.throws(() => parseProfiles('[[[', 'f'), { name: 'UserError', status: 2 });
  assert.throws(() => parseProfiles('{"resources": [1]}', 'f'), { name: 'UserError', status: 2 });
});

test('secrets are refused by name, by look and in addresses', () => {
  for (const set of [{ password: 'x1y2z3' }, { host: 'https://u:p@example.org/' }, { 'api-token': 'abcdefgh' }]) {
    assert.throws(() => refuseSecrets({ name: 'lab', backend: 'docker', set }), { message: /looks like a secret/ });
  }
  for (const profile of profiles) refuseSecrets(profile);
});
