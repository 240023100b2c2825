import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { apptainer } from '../../src/backends/apptainer/index.ts';
import { fingerprintOf } from '../../src/flows/fingerprint.ts';
import { localRoot } from '../../src/roots/local.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { backendContext, makeInstance } from '../contract/backend-fixture.ts';
import { testBackend } from '../contract/backend.ts';
import { apptainerHere } from './apptainer-here.ts';
import { haveOrSkip, need } from './need.ts';
import { type, withUser, type Person, type Said } from './person.ts';
import { slimRoot } from './roots.ts';

const { have: program = '', skip } = await haveOrSkip(apptainerHere);

testBackend({
  backend: apptainer,
  params: { format: 'sandbox', program },
  module: new URL('../../src/backends/apptainer/index.ts', import.meta.url),
  exported: 'apptainer',
  rootfs: slimRoot,
  skip,
});

test(
  'apptainer: a SIF of ours is the same bytes each time, known to apptainer, and the same tree',
  { skip },
  async () => {
    await need('squashfs-tools-ng');
    const top = mkdtempSync(join(tmpdir(), 'repronim-sif-'));
    const params = { format: 'sif', program } as const;
    try {
      const rootfs = await slimRoot();
      const expected = await fingerprintOf(localRoot(rootfs.directory));
      const context = backendContext(join(top, 'image'));
      const one = await apptainer.assemble(rootfs, params, context);
      const { stdout } = await runProcess([program, 'inspect', one.reference]);
      assert.match(stdout.toString(), new RegExp(`^org\\.repronim\\.lock: sha256:${rootfs.digest}$`, 'm'));

      await using place = await apptainer.place?.open(one.reference, params, context);
      assert.deepEqual(place && (await fingerprintOf(place)), expected);
      await using made = await makeInstance(apptainer, params, rootfs);
      assert.ok(readFileSync(made.record.image.reference).equals(readFileSync(one.reference)));
      await using session = await made.instance.session();
      assert.deepEqual(await fingerprintOf(session.root), expected);
      await apptainer.removeImage(one, params, context);
      assert.throws(() => readFileSync(one.reference), { code: 'ENOENT' });
    } finally {
      rmSync(top, { recursive: true, force: true });
    }
  },
);

test('apptainer: an ordinary user, with subordinate ids and without', { skip }, async (t) => {
  if (process.geteuid?.() !== 0) return t.skip('only root can make users');
  const top = mkdtempSync(join(tmpdir(), 'repronim-apptainer-'));
  t.after(() => rmSync(top, { recursive: true, force: true }));
  await using user = await withUser(top);
  const their = program.startsWith('/usr/') ? program : join(top, 'apptainer/usr/bin/apptainer');
  if (their !== program) {
    cpSync(join(program, '../../..'), join(top, 'apptainer'), { recursive: true, verbatimSymlinks: true });
  }
  const spec = join(user.env['HOME'] ?? '', 'true.repronim');
  await done(user, 'trace', '-q', '--bundle', '-o', spec, '--', 'true');
  for (const ids of ['subordinate ids', 'one id']) {
    if (ids === 'one id') await withoutIds(user.name);
    const home = join(user.env['HOME'] ?? '', ids.replace(' ', '-'));
    const person = { ...user, env: { ...user.env, REPRONIM_HOME: home } };
    await done(person, 'create', '-q', '-b', 'apptainer', '--set', `program=${their}`, 'boxed', spec);
    await done(person, 'create', '-q', 'plain', spec);
    if (ids !== 'one id') {
      assert.match((await done(person, 'verify', 'boxed')).stdout, /boxed is what its spec says/);
    }
    const [boxed, plain] = [await done(person, 'fingerprint', 'boxed'), await done(person, 'fingerprint', 'plain')];
    assert.equal(boxed.stdout, plain.stdout, ids);
    const who = await done(person, 'exec', 'boxed', '--', 'sh', '-c', 'id -u; ls /sys/class/net; ls /home');
    assert.match(who.stdout, /^\d+\nlo\n/);
    assert.doesNotMatch(who.stdout, /true\.repronim/);
    await done(person, 'delete', '--yes', 'boxed');
  }
});

async function done(person: Person, ...words: string[]): Promise<Said> {
  const said = await type(person, words, { directory: person.env['HOME'] ?? '/' });
  assert.equal(said.status, 0, `${words.join(' ')}: ${said.stdout}${said.stderr}`);
  return said;
}

/** What an administrator gave, taken away again; usermod would wait until nothing of theirs is left to be reaped. */
async function withoutIds(name: string): Promise<void> {
  for (const file of ['/etc/subuid', '/etc/subgid']) await runProcess(['sed', '-i', `/^${name}:/d`, file]);
}
