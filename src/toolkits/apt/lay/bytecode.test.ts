import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { prepareBytecode } from './bytecode.ts';
import type { Laid } from './merge.ts';

test('a minimal Python, which lacks what the driver imports, compiles by itself', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'repronim-bytecode-'));
  t.after(() => rmSync(root, { recursive: true }));
  const minimal = { payload: { entries: ['f/usr/lib/python3.11/py_compile.py', 'f/usr/lib/python3.11/os.py'] } };
  assert.deepEqual(prepareBytecode(root, [minimal as unknown as Laid]), []);
  assert.ok(!existsSync(join(root, '.repronim-lay')));
});
