import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { apptainer } from '../../src/backends/apptainer/index.ts';
import { chroot } from '../../src/backends/chroot/index.ts';
import { docker } from '../../src/backends/docker/index.ts';
import { podman } from '../../src/backends/podman/index.ts';
import { schroot } from '../../src/backends/schroot/index.ts';
import { ssh } from '../../src/backends/ssh/index.ts';
import type { AnyBackend, Session } from '../../src/contract/index.ts';
import { fingerprintOf } from '../../src/flows/fingerprint.ts';
import { volatileMatcher, volatilePaths, type Entry } from '../../src/model/index.ts';
import { localRoot } from '../../src/roots/local.ts';
import { backendContext, makeInstance } from '../contract/backend-fixture.ts';
import { apptainerHere } from './apptainer-here.ts';
import { withDockerd } from './dockerd.ts';
import { haveOrSkip, need } from './need.ts';
import { needPodman } from './podman.ts';
import { smallRoot } from './roots.ts';
import { withSshd } from './sshd.ts';

// In place and back again: the first byte of a file, or one bit of its mode.
const flip = 'open F, "+<", $ARGV[0] or die; read F, $c, 1; seek F, 0, 0; print F chr(ord($c) ^ 1); close F or die';
const toggle = '@s = lstat $ARGV[0] or die; chmod(($s[2] & 07777) ^ 0100, $ARGV[0]) or die';

test('one rootfs has one fingerprint, on every backend, and any change of it shows', async (t) => {
  const ends: (() => Promise<void>)[] = [];
  const state = mkdtempSync(join(tmpdir(), 'repronim-same-'));
  await needPodman();
  await need('schroot', 'systemd-container');
  const rootfs = await smallRoot();
  const host = await withDockerd({ after: (end) => ends.push(end) });
  const params = { host, image: 'repronim-same', network: 'bridge' };
  const { have: program, skip } = await haveOrSkip(apptainerHere);
  if (skip !== false) t.diagnostic(`without apptainer: ${skip}`);
  const server = await withSshd();
  ends.push(async () => await server[Symbol.asyncDispose]());
  const over = { host: 'there', folder: `${server.folder}/state`, config: server.config };
  const seed = Math.floor(Math.random() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  try {
    const expected = await fingerprintOf(localRoot(rootfs.directory));
    const drawn = await drawFiles(rootfs.directory, seed, 3);
    const places: readonly (readonly [AnyBackend, unknown])[] = [
      [chroot, {}],
      [docker, params],
      [podman, { image: params.image, network: 'default' }],
      ...(program === undefined ? [] : [[apptainer, { program, format: 'sandbox' }] as const]),
      [ssh, over],
      [schroot, { type: 'directory', enter: 'namespaces' }],
      [schroot, { type: 'file', enter: 'namespaces' }],
      [chroot, { enter: 'nspawn' }],
    ];
    for (const [backend, given] of places) {
      await using made = await makeInstance(backend, given, rootfs);
      await using session = await made.instance.session();
      assert.deepEqual(await fingerprintOf(session.root), expected, backend.name);
      // what engines give of a container takes its time
      for (const path of backend === chroot ? drawn : drawn.slice(0, 1)) {
        for (const change of [flip, toggle]) {
          const changed = await changedBy(session, change, path);
          assert.notEqual(changed, expected.digest, `${path} on ${backend.name}`);
        }
      }
      assert.deepEqual(await fingerprintOf(session.root), expected, `${backend.name} again`);
    }
    const reference = `${params.image}:${rootfs.digest}`;
    for (const [backend, given] of places.slice(1, 3)) {
      const image = { backend: backend.name, reference, rootfs: rootfs.digest };
      await backend.removeImage(image, given, backendContext(join(state, 'image')));
    }
  } finally {
    for (const end of ends) await end();
    rmSync(state, { recursive: true, force: true });
  }
});

async function changedBy(session: Session, change: string, path: string): Promise<string> {
  await session.run(['perl', '-e', change, '--', path]);
  const { digest } = await fingerprintOf(session.root);
  await session.run(['perl', '-e', change, '--', path]);
  return digest;
}

/** Files of packages (of everything that counts and has content), by chance. */
async function drawFiles(directory: string, seed: number, count: number): Promise<string[]> {
  const volatile = volatileMatcher(volatilePaths);
  const isDrawable = (entry: Entry) =>
    entry.type === 'file' &&
    (entry.size ?? 0) > 0 &&
    !volatile.matches(entry.path) &&
    !/\/(?:perl|libc|libm|ld-)/.test(entry.path);
  const files = (await Array.fromAsync(localRoot(directory).scan({ digests: [] }))).filter(isDrawable);
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff; // ANSI C's example of rand()
    return files[state % files.length]?.path ?? '';
  });
}
