import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ssh } from '../../backends/ssh/index.ts';
import { backendLines } from './backends.ts';

test('a parameter that takes certain words is listed with them', () => {
  const resource = { name: 'cluster', backend: 'ssh', set: { host: 'there' } };
  const lines = backendLines([ssh], [resource]);
  assert.match(lines[0] ?? '', /^ssh {8}a host over ssh/);
  for (const line of ['host=…', 'enter=auto|namespaces|podman|apptainer|chroot', 'into=instance|host']) {
    assert.ok(lines.includes(`           --set ${line}`), line);
  }
  assert.equal(lines.at(-1), 'cluster    -b ssh --set host=there');
});
