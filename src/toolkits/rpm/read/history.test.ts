import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { localRoot } from '../../../roots/local.ts';
import { readHistory } from './history.ts';
import type { RpmPackage } from './package.ts';

async function historyOf(t: TestContext, files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-history-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  const history = await readHistory(localRoot(folder));
  const of = (name: string, epoch: number, version: string, release: string, architecture: string) =>
    history.of({ name, evr: { epoch, version, release }, architecture } as RpmPackage);
  return { of, notes: history.notes };
}

test('what dnf 5 remembers: the repository, and what somebody asked for', async (t) => {
  // as dnf5 5.2 wrote them
  const { of, notes } = await historyOf(t, {
    'usr/lib/sysimage/libdnf5/nevras.toml': `version = "1.0"

[nevras]
"bash-5.2.15-2+b8.el8.x86_64" = {from_repo = "local"}
"sample-2:1.0~rc1-3.module_el8.4.0+1+abcdef.noarch" = {from_repo = "local"}
"own-1.0-1.x86_64" = {from_repo = "@commandline"}
`,
    'usr/lib/sysimage/libdnf5/packages.toml': `version = "1.0"

[packages]
"bash.x86_64" = {reason = "Dependency"}
"sample.noarch" = {reason = "User"}
`,
  });
  assert.deepEqual(notes, []);
  assert.deepEqual(of('bash', 0, '5.2.15', '2+b8.el8', 'x86_64'), { from: 'local' });
  assert.deepEqual(of('sample', 2, '1.0~rc1', '3.module_el8.4.0+1+abcdef', 'noarch'), { from: 'local', manual: true });
  assert.deepEqual(of('own', 0, '1.0', '1', 'x86_64'), {});
});

test('what yum remembers, a file a fact; and what is broken costs itself alone', async (t) => {
  const entry = `var/lib/yum/yumdb/b/${'1'.repeat(40)}-bash-4.2.46-34.el7-x86_64`;
  const { of, notes } = await historyOf(t, {
    [`${entry}/from_repo`]: 'base',
    [`${entry}/reason`]: 'user',
    [`${entry}/checksum_type`]: 'sha256',
    [`${entry}/checksum_data`]: 'a'.repeat(64),
    'usr/lib/sysimage/libdnf5/nevras.toml': '[nevras\n',
    'var/lib/dnf/history.sqlite': 'no database',
  });
  assert.deepEqual(of('bash', 0, '4.2.46', '34.el7', 'x86_64'), {
    from: 'base',
    manual: true,
    sha256: 'a'.repeat(64),
  });
  assert.deepEqual(
    notes.map(({ kind, path }) => `${kind} ${path}`),
    ['unreadable /usr/lib/sysimage/libdnf5/nevras.toml', 'unreadable /var/lib/dnf/history.sqlite'],
  );
});
