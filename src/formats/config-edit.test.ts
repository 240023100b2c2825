import assert from 'node:assert/strict';
import { test } from 'node:test';

import { withTable } from './config-edit.ts';

const where = { file: 'config.toml', group: 'resources', name: 'lab' };
const mine = '# mine\n[defaults] # theirs\nbase = "debian"\n';

test('a table is added, replaced and taken away; every other line stays', () => {
  const added = withTable(mine, where, { backend: 'docker', set: { host: 'ssh://lab' } });
  assert.equal(added, `${mine}\n[resources.lab]\nbackend = "docker"\n\n[resources.lab.set]\nhost = "ssh://lab"\n`);
  const more = withTable(added, { ...where, name: 'lab-2' }, { backend: 'chroot' });
  const replaced = withTable(more, where, { backend: 'podman' });
  assert.match(replaced, /\[resources\.lab-2\]\nbackend = "chroot"\n/);
  assert.match(replaced, /\[resources\.lab\]\nbackend = "podman"\n/);
  assert.doesNotMatch(replaced, /docker|ssh:/);
  const less = withTable(withTable(replaced, where, undefined), { ...where, name: 'lab-2' }, undefined);
  assert.equal(less.trimEnd(), mine.trimEnd());
  assert.equal(withTable('', where, { backend: 'chroot' }), '[resources.lab]\nbackend = "chroot"\n');
});

test('what is written otherwise is left as it is, and said', () => {
  for (const text of [
    'resources = { lab = { backend = "docker" } }\n',
    '[resources]\nlab = { backend = "docker" }\n',
    'resources.lab.backend = "docker"\n',
    'note = """\n[resources.lab]\n"""\n[resources.lab]\nbackend = "docker"\n',
  ]) {
    assert.throws(() => withTable(text, where, { backend: 'chroot' }), { name: 'UserError', hint: /by hand/ }, text);
  }
  assert.throws(() => withTable('a = ', where, undefined), { message: /config\.toml:1/ });
});
