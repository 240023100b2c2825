import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { openInventory, type InstanceValue, type RootfsValue } from './inventory.ts';
import { places } from './places.ts';
import { findUnused } from './prune.ts';
import { removeTree } from './remove-tree.ts';

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'repronim-inventory-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function instance(name: string, rootfs = 'r1'): InstanceValue {
  return {
    name,
    backend: 'chroot',
    image: { backend: 'chroot', reference: `image of ${rootfs}`, rootfs },
    confinement: { level: 'confined', network: 'none', mounts: [] },
    facts: {},
    params: {},
    entered: { directory: '/', environment: {} },
    spec: 'ab12',
  };
}

test('what is made is written down before, and whole after', async (t) => {
  const state = scratch(t);
  const { instances } = openInventory(state);
  assert.deepEqual(await instances.list(), []);
  assert.equal(readdirSync(state).length, 0, 'looking writes nothing');

  {
    await using claim = await instances.reserve('study', instance('study'));
    assert.equal((await openInventory(state).instances.find('study'))?.status, 'making');
    await assert.rejects(openInventory(state).instances.claim('study'), {
      message: /study is in the hands of another/,
    });
    await claim.record({ ...instance('study'), facts: { pid: 7 } });
    assert.deepEqual((await instances.find('study'))?.value?.facts, { pid: 7 });
    writeFileSync(join(claim.folder, 'file'), 'x');
    await claim.commit(instance('study'));
  }
  assert.deepEqual(await instances.list(), [{ name: 'study', status: 'made', value: instance('study') }]);
  await assert.rejects(instances.reserve('study', instance('study')), {
    message: 'there is an instance study already',
  });

  {
    await using claim = await instances.claim('study');
    await claim.remove();
  }
  assert.deepEqual(await instances.list(), []);
  await assert.rejects(instances.claim('study'), { name: 'UserError', message: 'there is no instance study' });
  assert.deepEqual(filesBelow(state), [], 'nothing is left');
});

test('a killed maker leaves a broken record that can be claimed and removed', async (t) => {
  const state = scratch(t);
  const program = `
    import { openInventory } from ${JSON.stringify(new URL('inventory.ts', import.meta.url).href)};
    const claim = await openInventory(${JSON.stringify(state)}).instances.reserve('study', ${JSON.stringify(instance('study'))});
    console.log(claim.name);
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const { instances } = openInventory(state);
  assert.equal((await instances.find('study'))?.status, 'making');
  child.kill('SIGKILL');
  await once(child, 'close');

  const [found] = await instances.list();
  assert.ok(found?.status === 'broken');
  assert.match(found.because, /interrupted/);
  assert.equal(found.value?.backend, 'chroot', 'what it had is known, so that it can be swept');
  await using claim = await instances.claim('study');
  await claim.remove();
  assert.equal(await instances.find('study'), undefined);
});

test('damaged records are broken, never a crash, and hide nothing else', async (t) => {
  const state = scratch(t);
  const { instances } = openInventory(state);
  {
    await using claim = await instances.reserve('good', instance('good'));
    await claim.commit(instance('good'));
  }
  const folder = join(state, 'instances');
  writeFileSync(join(folder, 'empty.json'), '');
  writeFileSync(join(folder, 'half.json'), '{"status": "made", "value": {"na');
  writeFileSync(join(folder, 'other.json'), '{"status": "made", "value": {"name": 5}}');
  mkdirSync(join(folder, 'folder.json'));
  writeFileSync(join(folder, '.new-4194305-left'), 'a writer that was killed');
  assert.deepEqual(
    (await instances.list()).map(({ name, status }) => [name, status]),
    [
      ['empty', 'broken'],
      ['folder', 'broken'],
      ['good', 'made'],
      ['half', 'broken'],
      ['other', 'broken'],
    ],
  );
  assert.ok(!existsSync(join(folder, '.new-4194305-left')));
  await using claim = await instances.claim('half');
  await claim.remove();
  assert.equal((await instances.list()).length, 4);
  for (const name of ['../good', '.good', '', 'a/b']) {
    await assert.rejects(instances.claim(name), { name: 'UserError', status: 2 }, name);
  }
});

test('of many at once, one gets the name', async (t) => {
  const state = scratch(t);
  const tries = await Promise.allSettled(
    Array.from({ length: 12 }, async (_, index) => {
      await using claim = await openInventory(state).instances.reserve('one', instance('one', `r${index}`));
      await claim.commit(claim.held.value as InstanceValue);
      return index;
    }),
  );
  const winners = tries.filter(({ status }) => status === 'fulfilled');
  assert.equal(winners.length, 1);
  const { value } = (await openInventory(state).instances.find('one')) ?? {};
  assert.equal(value?.image.rootfs, `r${(winners[0] as PromiseFulfilledResult<number>).value}`);
});

test('prune finds what nobody uses, and spares what only this machine has', async (t) => {
  const { instances, images, rootfs } = openInventory(scratch(t));
  const trees: RootfsValue[] = [
    { digest: 'r1', directory: '/r1', fetched: ['a', 'b'], kept: ['k'] },
    { digest: 'r2', directory: '/r2', fetched: ['b', 'c', 'k'], kept: ['l'] },
    { digest: 'r3', directory: '/r3', fetched: ['d'], kept: [] },
  ];
  for (const tree of trees) {
    await using claim = await rootfs.reserve(tree.digest, tree);
    await claim.commit(tree);
    const image = {
      backend: 'chroot',
      reference: `image of ${tree.digest}`,
      rootfs: tree.digest,
      params: {},
      facts: {},
    };
    await using imageClaim = await images.reserve(`chroot-${tree.digest}`, image);
    await imageClaim.commit(image);
  }
  await using used = await instances.reserve('used', instance('used', 'r1'));
  await using making = await rootfs.reserve('r4', { digest: 'r4', directory: '/r4', fetched: ['d'], kept: [] });
  const unused = async () => findUnused(await instances.list(), await images.list(), await rootfs.list());
  assert.deepEqual(await unused(), { images: ['chroot-r2', 'chroot-r3'], rootfs: ['r2', 'r3'], contents: ['c'] });
  await making[Symbol.asyncDispose]();
  assert.deepEqual((await unused()).rootfs, ['r2', 'r3', 'r4'], 'interrupted');
  await used.remove();
  assert.deepEqual((await unused()).contents, ['a', 'b', 'c', 'd']);
});

test('a folder is not removed through a link or a mount', async (t) => {
  const directory = scratch(t);
  mkdirSync(join(directory, 'kept'));
  writeFileSync(join(directory, 'kept/file'), '');
  symlinkSync('kept', join(directory, 'link'));
  await removeTree(join(directory, 'link'));
  assert.ok(existsSync(join(directory, 'kept/file')));
  await assert.rejects(removeTree('/proc'), { name: 'UserError', message: /mounted at \/proc/ });
});

test('places follow the XDG variables, and REPRONIM_HOME before them', () => {
  assert.equal(places({ HOME: '/home/u' }).store, '/home/u/.local/share/repronim/store');
  assert.equal(places({ HOME: '/home/u', XDG_STATE_HOME: '/s', XDG_DATA_HOME: 'relative' }).state, '/s/repronim');
  assert.equal(places({ HOME: '/home/u', XDG_DATA_HOME: 'relative' }).data, '/home/u/.local/share/repronim');
  assert.equal(places({ HOME: '/home/u', XDG_RUNTIME_DIR: '/run/user/7' }).runtime, '/run/user/7/repronim');
  assert.equal(places({ HOME: '/h', REPRONIM_HOME: '/t', XDG_STATE_HOME: '/s' }).state, '/t/state');
});

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => name);
}
