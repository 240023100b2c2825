import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { diff, fingerprint, openHouse, read, trace, UserError } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'repronim-library-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const env = { ...process.env, REPRONIM_HOME: join(folder, 'home') };

test('a command is traced without printing, asking or exiting', async (t) => {
  const probed = await openHouse({ env }).tracer.probe(AbortSignal.timeout(10_000));
  if (!probed.usable) return t.skip(probed.because);
  const { spec, status, summary } = await trace(['/bin/sh', '-c', 'exit 3'], { env, directory: folder });
  assert.equal(status, 3);
  assert.equal(spec.runs?.[0]?.status, 3);
  assert.deepEqual(spec.runs?.[0]?.command, ['/bin/sh', '-c', 'exit 3']);
  assert.equal(summary.whole, false);
});

test('two folders are compared, and each has a fingerprint', async () => {
  for (const [name, text] of [
    ['a', 'one'],
    ['b', 'other'],
  ] as const) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'file'), text);
  }
  const [a, b] = [`root:${join(folder, 'a')}`, `root:${join(folder, 'b')}`];
  const found = await diff(a, b, { env });
  assert.equal(found.equal, false);
  assert.deepEqual(
    found.files.map((change) => change.subject),
    ['/file'],
  );
  assert.notEqual((await fingerprint(a, { env })).digest, (await fingerprint(b, { env })).digest);
});

test('what a person can mend is a UserError with a hint', async () => {
  const file = join(folder, 'env.yaml');
  writeFileSync(file, 'repronim: 1\ndistributions:\n- type: debain\n');
  await assert.rejects(read(file, { env }), (error: unknown) => {
    assert.ok(error instanceof UserError);
    assert.equal(error.status, 2);
    assert.match(error.message, /env\.yaml:3:9: .*debain/);
    assert.match(error.hint ?? '', /debian/);
    return true;
  });
});
