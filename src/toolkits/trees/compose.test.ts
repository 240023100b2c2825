import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { contexts, unpackSteps } from '../../../test/fakes/contexts.ts';
import { sha256 } from '../../model/index.ts';
import { localRoot } from '../../roots/local.ts';
import { composeTree, keepTree, storedTree, type Supply } from './compose.ts';

test('a tree comes back from artifacts and what they do not bring', async (t) => {
  const { folder, store } = contexts(t);
  const top = join(folder, 'root/env');
  mkdirSync(join(top, 'lib'), { recursive: true });
  writeFileSync(join(top, 'lib/same.py'), 'same\n');
  writeFileSync(join(top, 'lib/changed.py'), 'changed by hand\n');
  writeFileSync(join(top, 'lib/generated'), 'generated\n');
  chmodSync(join(top, 'lib/generated'), 0o755);
  symlinkSync('same.py', join(top, 'lib/link'));
  await using root = localRoot(join(folder, 'root'));
  const paths = ['/env/lib/same.py', '/env/lib/changed.py', '/env/lib/generated', '/env/lib/link'];
  const supplied = new Map([
    ['lib/same.py', sha256('same\n')],
    ['lib/changed.py', sha256('as it came\n')],
  ]);
  const kept = await keepTree(root, '/env', paths, supplied, store);
  assert.deepEqual([kept.files, kept.notes], [3, []]);
  const tree = await storedTree(kept.tree, store);
  assert.deepEqual(
    tree?.map(({ path }) => path),
    ['.', 'lib', 'lib/changed.py', 'lib/generated', 'lib/link', 'lib/same.py'],
  );

  const supply = (content: string): Supply => ({
    what: 'package 1',
    async *files() {
      yield { path: 'lib/changed.py', content: Buffer.from('as it came\n') };
      yield { path: 'lib/same.py', content: Buffer.from(content) };
      yield { path: '../../etc/passwd', content: Buffer.from('no\n') };
    },
  });
  const composed = await composeTree(tree ?? [], kept.rest, [supply('same\n')], store);
  assert.ok('archive' in composed);
  await unpackSteps(
    [{ do: 'unpack', archive: composed.archive, into: '/env', because: 'a test' }],
    join(folder, 'new'),
    store,
  );
  assert.equal(readFileSync(join(folder, 'new/env/lib/same.py'), 'utf8'), 'same\n');
  assert.equal(readFileSync(join(folder, 'new/env/lib/changed.py'), 'utf8'), 'changed by hand\n');
  await using again = localRoot(join(folder, 'new'));
  assert.equal((await keepTree(again, '/env', paths, supplied, store)).tree.sha256, kept.tree.sha256);

  // an artifact with other content is not the one that was installed
  assert.deepEqual(await composeTree(tree ?? [], kept.rest, [supply('another\n')], store), {
    missing: ['lib/same.py'],
  });
});
