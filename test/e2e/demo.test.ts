/** The demo on strangers' machines, and its bundles on others: from a fresh clone, in clean containers. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { withDockerd } from './dockerd.ts';
import { cloneInto, dockerAt, startMachine, stockImage, type Docker, type Image, type Machine } from './machine.ts';
import { scratch } from './need.ts';

const mountsAllowed = ['--cap-add', 'SYS_ADMIN', '--security-opt', 'seccomp=unconfined'];
const online = ['--network', 'host'];
const offline = ['--network', 'none'];
const reproduced = /^reproduced: same environment, same results\.$/m;
const levels = /^verify {4}packages [\d,]+\/[\d,]+.* · artifacts .* · contents .* · traced files [\d,]+\/[\d,]+/m;
const bundles = ['study.repronim', 'traced.repronim', 'complete.repronim'] as const;

const skip = process.getuid?.() === 0 ? false : 'only root can make the images';

describe('the demo', { skip }, () => {
  const folder = scratch('demo', 3 * 2 ** 30);
  const ends: (() => Promise<void>)[] = [];
  const owner = { after: (end: () => Promise<void>) => ends.unshift(end) };
  const own = <T extends AsyncDisposable>(made: T): T => {
    ends.unshift(async () => await made[Symbol.asyncDispose]());
    return made;
  };
  let docker: Docker;
  let clone: string;
  let debian12: Image;
  let debian13: Image;

  before(async () => {
    docker = await dockerAt(await withDockerd(owner));
    clone = await cloneInto(folder);
    const images = ['bookworm', 'trixie'].map(async (release) => own(await stockImage(release, docker)));
    [debian12, debian13] = (await Promise.all(images)) as [Image, Image];
  });
  after(async () => {
    for (const end of ends) await end();
  });

  async function keepBundles(machine: Machine): Promise<void> {
    const run = ['--', 'examples/brain/run'] as const;
    const said = [
      await machine.run('./repronim', 'reproduce', '-o', '/root/study.repronim', ...run),
      await machine.run('./repronim', 'trace', '--bundle', '-o', '/root/traced.repronim', ...run),
      await machine.run('./repronim', 'trace', '--complete', '-o', '/root/complete.repronim', ...run),
      await machine.run('git', 'status', '--porcelain'),
    ];
    for (const one of said) assert.equal(one.status, 0, one.said);
    assert.equal(said.at(-1)?.said, '', 'nothing is written into the work tree');
    for (const name of bundles) await machine.get(`/root/${name}`, join(folder, name));
  }

  async function runDemo(machine: Machine): Promise<string> {
    const { status, said, seconds } = await machine.run('./demo');
    assert.equal(status, 0, said);
    assert.match(said, reproduced);
    assert.match(said, levels);
    assert.match(said, /^replay {4}exit 0, as before · 3 outputs, 3 equal/m);
    assert.ok(seconds < 180, `it took ${seconds.toFixed(0)} s`);
    return `./demo took ${seconds.toFixed(0)} s`;
  }

  test('on Debian 12, where mounts are allowed; it is kept as a bundle', async (t) => {
    await using machine = await startMachine(debian12, docker, [...online, ...mountsAllowed], clone);
    t.diagnostic(await runDemo(machine));
    await keepBundles(machine);
  });

  test('on Debian 12, where nothing may be mounted', async (t) => {
    await using machine = await startMachine(debian12, docker, online, clone);
    t.diagnostic(await runDemo(machine));
  });

  describe('on Debian 13, which has only the clone and the bundle', { concurrency: 2 }, () => {
    let ready: Image;

    before(async () => {
      await using machine = await startMachine(debian13, docker, online, clone);
      const { status, said } = await machine.run('./repronim', 'doctor');
      assert.equal(status, 0, said);
      for (const name of bundles) await machine.put(join(folder, name), `/root/${name}`);
      ready = own(await machine.freeze());
    });

    test('confined, with what the archives have', async (t) => {
      await using machine = await startMachine(ready, docker, [...online, ...mountsAllowed]);
      const { status, said, seconds } = await machine.run('./repronim', 'reproduce', '/root/study.repronim');
      assert.equal(status, 0, said);
      assert.match(said, /^trust {5}\d+ packages: \d+ vouched for by archives that this machine trusts/m);
      assert.match(said, /^ +runs confined: no network, none of your files$/m);
      assert.match(said, levels);
      assert.match(said, reproduced);
      t.diagnostic(`reproduce took ${seconds.toFixed(0)} s`);
    });

    test('confined, without any network, from a complete bundle', async (t) => {
      await using machine = await startMachine(ready, docker, [...offline, ...mountsAllowed]);
      const { status, said, seconds } = await machine.run('./repronim', 'reproduce', '/root/complete.repronim');
      assert.equal(status, 0, said);
      assert.match(said, /^ +runs confined: no network, none of your files$/m);
      assert.match(said, reproduced);
      t.diagnostic(`reproduce took ${seconds.toFixed(0)} s`);
    });

    test('refused where it cannot be confined, unless it is trusted', async (t) => {
      await using machine = await startMachine(ready, docker, online);
      const refused = await machine.run('./repronim', 'reproduce', '/root/traced.repronim');
      assert.equal(refused.status, 4, refused.said);
      assert.match(refused.said, /^error: cannot create [a-z0-9-]+ with chroot: /m);
      assert.match(refused.said, /^hint: .*--trust/m);
      const trusted = await machine.run('./repronim', 'reproduce', '--trust', '/root/traced.repronim');
      assert.equal(trusted.status, 0, trusted.said);
      assert.match(trusted.said, reproduced);
      t.diagnostic(`reproduce --trust took ${trusted.seconds.toFixed(0)} s`);
    });
  });
});
