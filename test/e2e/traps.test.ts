import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { buildTrap, judgeTrap, prepareBox, traceTrap, traps } from '../traps/suite.ts';
import { need } from './need.ts';

const scratch = mkdtempSync(join(tmpdir(), 'repronim-traps-'));
const programs = join(scratch, 'programs');
const isRoot = process.getuid?.() === 0;

before(async () => {
  mkdirSync(programs);
  await need('strace', 'gcc', 'libc6-dev', 'make', 'python3', 'perl');
});
after(() => rmSync(scratch, { recursive: true, force: true }));

for (const trap of traps)
  void test(`trap: ${trap.name}`, { timeout: 60_000 }, async (t) => {
    if (trap.root === true && !isRoot) return t.skip('only root can do this');
    const box = join(scratch, trap.name, 'box');
    const work = join(scratch, trap.name, 'work');
    prepareBox(box);
    mkdirSync(work);
    const argv = await buildTrap(trap, programs, box);
    const { truth, result } = await traceTrap(trap, argv, box, work);
    if (result.status === 77) return t.skip('this kernel or filesystem can not do it');
    assert.equal(result.status, trap.status ?? 0);
    assert.ok(truth.length > 0);
    assert.deepEqual(judgeTrap(truth, result, box, work), { missed: [], wrong: [] });
  });
