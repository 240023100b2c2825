import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { openStore } from '../../archives/store.ts';
import type { Step } from '../../model/index.ts';
import { encodeHeader, tarEnd, tarPadding, type Header } from '../../roots/tar-header.ts';
import { localSession } from '../../sessions/local.ts';
import { lay, madeOf, planLaying } from './lay.ts';
import { keepReplaced } from './replaced.ts';
import { takeBack, writeMade } from './take-back.ts';

const because = 'for the test';
const never = () => false;
const always = () => true;

function tar(members: readonly (Partial<Header> & { name: string; content?: string })[]): Buffer {
  const parts = members.map(({ content = '', ...header }) =>
    Buffer.concat([
      encodeHeader({ type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeMs: 0, ...header, size: content.length }),
      Buffer.from(content),
      tarPadding(content.length),
    ]),
  );
  return Buffer.concat([...parts, tarEnd]);
}

async function scene(t: TestContext) {
  const top = mkdtempSync(join(tmpdir(), 'repronim-lay-'));
  t.after(() => rmSync(top, { recursive: true, force: true }));
  const place = join(top, 'place');
  const state = join(top, 'state');
  for (const folder of [place, state]) mkdirSync(folder);
  const store = openStore(join(top, 'store'));
  const archive = await store.add(
    tar([
      { name: 'env', type: 'directory', mode: 0o755 },
      { name: 'env/file', content: 'one', mode: 0o755 },
      { name: 'env/again', type: 'hardlink', target: 'env/file' },
      { name: 'env/link', type: 'link', target: 'file' },
      { name: 'lib/x', content: 'x' },
    ]),
  );
  const steps: readonly Step[] = [
    { do: 'unpack', archive, into: place, because },
    { do: 'write', path: join(place, 'env/file'), content: 'two', mode: '0600', because },
  ];
  return { place, state, store, steps, session: localSession('here') };
}

test('what is laid is laid once, links on the way are followed, and all of it goes again', async (t) => {
  const { place, state, store, steps, session } = await scene(t);
  mkdirSync(join(place, 'usr/lib'), { recursive: true });
  symlinkSync('usr/lib', join(place, 'lib'));
  const laying = await planLaying(steps, session, store, never);
  assert.deepEqual(
    laying.made.map(({ path, type }) => `${type} ${path.slice(place.length)}`),
    ['directory /env', 'hardlink /env/again', 'file /env/file', 'link /env/link', 'file /usr/lib/x'],
  );
  await writeMade(state, laying.made);
  await lay(steps, laying, session, store);
  assert.equal(readFileSync(join(place, 'env/file'), 'utf8'), 'two');
  assert.equal(readlinkSync(join(place, 'env/link')), 'file');
  assert.equal(readFileSync(join(place, 'lib/x'), 'utf8'), 'x');
  assert.ok(lstatSync(join(place, 'lib')).isSymbolicLink());

  const again = await planLaying([...steps].slice(1), session, store, never);
  assert.deepEqual([again.made, again.inTheWay, again.same], [[], [], 1]);
  writeFileSync(join(place, 'env/later'), '');
  assert.deepEqual(await takeBack(state, session, false), [join(place, 'env')]);
  assert.deepEqual([readdirSync(join(place, 'env')), readdirSync(join(place, 'usr/lib'))], [['later'], []]);
  assert.deepEqual(await takeBack(state, session, false), [], 'once');
});

test('what is there and different is in the way; a folder never makes room for a file', async (t) => {
  const { place, store, steps, session } = await scene(t);
  mkdirSync(join(place, 'env/link'), { recursive: true });
  writeFileSync(join(place, 'env/file'), 'mine');
  const laying = await planLaying(steps, session, store, always);
  assert.deepEqual(laying.inTheWay, [join(place, 'env/link')]);
  assert.deepEqual(
    laying.replaced.map(({ path }) => path),
    [join(place, 'env/file')],
  );
  assert.ok(!laying.made.some(({ path }) => path === join(place, 'env/file')), 'it is not ours to take away');
});

test('what was replaced comes back as it was, also after the making was interrupted, and once', async (t) => {
  for (const interrupted of [false, true]) {
    const { place, state, store, steps, session } = await scene(t);
    mkdirSync(join(place, 'env'));
    writeFileSync(join(place, 'env/file'), 'mine', { mode: 0o640 });
    utimesSync(join(place, 'env/file'), 1000, 1000);
    symlinkSync('nowhere', join(place, 'env/link'));
    mkdirSync(join(place, 'lib'));
    writeFileSync(join(place, 'lib/x'), 'my own');
    const laying = await planLaying(steps, session, store, always);
    await keepReplaced(
      state,
      laying.replaced.map(({ path }) => path),
      session,
    );
    await writeMade(state, madeOf(laying));
    if (!interrupted) await lay(steps, laying, session, store);
    else writeFileSync(join(place, 'lib/x'), 'x'); // only that far
    assert.deepEqual(await takeBack(state, session, interrupted), []);
    assert.equal(readFileSync(join(place, 'env/file'), 'utf8'), 'mine');
    const { mode, mtimeMs } = lstatSync(join(place, 'env/file'));
    assert.deepEqual([mode & 0o777, mtimeMs], [0o640, 1_000_000]);
    assert.equal(readlinkSync(join(place, 'env/link')), 'nowhere');
    assert.equal(readFileSync(join(place, 'lib/x'), 'utf8'), 'my own');
    assert.deepEqual([readdirSync(join(place, 'env')).sort(), readdirSync(state)], [['file', 'link'], []]);
  }
});

test('of a making that was interrupted, only what we made goes', async (t) => {
  const { place, state, store, steps, session } = await scene(t);
  const laying = await planLaying(steps, session, store, never);
  await writeMade(state, laying.made);
  // killed here; somebody else makes some of it
  mkdirSync(join(place, 'env'));
  writeFileSync(join(place, 'env/file'), 'somebody else’s');
  mkdirSync(join(place, 'lib'));
  writeFileSync(join(place, 'lib/x'), '', { mode: 0o600 }); // we were about to
  assert.deepEqual(await takeBack(state, session, true), [join(place, 'env'), join(place, 'env/file')]);
  assert.equal(existsSync(join(place, 'lib')), false);
});

test('a path that leads out of what is recorded is refused', async (t) => {
  const { place, store, session } = await scene(t);
  const archive = await store.add(tar([{ name: '../out', content: 'x' }]));
  const steps: readonly Step[] = [{ do: 'unpack', archive, into: join(place, 'in'), because }];
  await assert.rejects(planLaying(steps, session, store, never), /leads out of it/);
});
