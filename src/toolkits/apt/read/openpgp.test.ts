import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { contexts } from '../../../../test/fakes/contexts.ts';
import { inRelease, stableFingerprint, stableKey } from '../../../../test/fakes/small-debian.ts';
import { runProcess } from '../../../sessions/process.ts';
import { isBy, readCertificates, readIssuers } from './openpgp.ts';
import { parseRelease } from './release.ts';

test('a real key, armored and binary', () => {
  const [armored, ...more] = readCertificates(Buffer.from(stableKey));
  assert.equal(more.length, 0);
  assert.equal(armored?.fingerprint, stableFingerprint);
  assert.deepEqual(armored?.userIds, ['Debian Stable Release Key (12/bookworm) <debian-release@lists.debian.org>']);
  const twice = Buffer.concat([armored?.bytes ?? Buffer.alloc(0), armored?.bytes ?? Buffer.alloc(0)]);
  assert.deepEqual(
    readCertificates(twice).map(({ fingerprint }) => fingerprint),
    [stableFingerprint, stableFingerprint],
  );
});

test('who signed a Release file', () => {
  const release = parseRelease(Buffer.from(inRelease({ Origin: 'Debian', Date: 'Sat, 06 Sep 2025 09:59:52 UTC' })));
  assert.equal(release.origin, 'Debian');
  assert.equal(release.date, '2025-09-06T09:59:52Z');
  assert.deepEqual(release.issuers, [stableFingerprint]);
  const [key] = readCertificates(Buffer.from(stableKey));
  assert.ok(key && isBy(key, stableFingerprint) && isBy(key, stableFingerprint.slice(-16)));
  assert.ok(key && !isBy(key, stableFingerprint.slice(0, 16)));
});

test('broken keys are an end, not an error', () => {
  const [key] = readCertificates(Buffer.from(stableKey));
  for (let cut = 0; cut < (key?.bytes.length ?? 0); cut++) {
    readCertificates(key?.bytes.subarray(0, cut) ?? Buffer.alloc(0));
    readIssuers(key?.bytes.subarray(cut) ?? Buffer.alloc(0));
  }
  assert.deepEqual(readCertificates(Buffer.from('no key')), []);
});

test("fingerprints of this machine's keyring are those that gpg tells", async (t) => {
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  if (!existsSync(keyring) || !existsSync('/usr/bin/gpg')) return t.skip('no keyring or no gpg here');
  const home = contexts(t).folder;
  const { stdout } = await runProcess(['gpg', '--show-keys', '--with-colons', keyring], {
    env: { PATH: '/usr/bin:/bin', HOME: home, GNUPGHOME: home },
    accept: 'any',
  });
  const theirs = [...stdout.toString().matchAll(/^fpr:::::::::([0-9A-F]+):/gm)].map(([, fingerprint]) => fingerprint);
  const ours = readCertificates(readFileSync(keyring)).flatMap(({ fingerprints }) => fingerprints);
  assert.deepEqual(ours, theirs);
});
