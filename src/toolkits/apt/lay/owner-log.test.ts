import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { lstatSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { ownersOfLog } from './owner-log.ts';

// lines of strace 6.1, as it wrote them
const log = String.raw`
18 fchownat(AT_FDCWD</>, "/etc/shadow", 0, 42, 0) = 0 (INJECTED)
18 fchownat(AT_FDCWD</etc>, "gshadow", -1, 42, AT_SYMLINK_NOFOLLOW) = 0 (INJECTED)
19 fchown(4</etc/shadow.new>, 0, 0)       = 0 (INJECTED)
19 rename("/etc/shadow.new", "/etc/shadow") = 0
20 chown("/var/link", 7, 8 <unfinished ...>
21 rename("/nowhere", "/etc/gshadow")     = -1 ENOENT (No such file or directory)
20 <... chown resumed>)                   = 0 (INJECTED)
22 lchown("/var/odd\nname\303\274", 9, 9) = 0 (INJECTED)
23 fchownat(AT_FDCWD</>, "/gone", 5, 5, 0) = 0 (INJECTED)
24 unlink("/gone")                        = 0
25 fchownat(AT_FDCWD</>, "/old/inner", 3, 3, 0) = 0 (INJECTED)
26 renameat2(AT_FDCWD</>, "/old", AT_FDCWD</>, "/new", RENAME_NOREPLACE) = 0
27 fchownat(5</new>, "", 4, 4, AT_EMPTY_PATH) = 0 (INJECTED)
28 fchownat(AT_FDCWD</>, "/never/made", 4, 4, 0) = 0 (INJECTED)
`;

test('owners are followed through changes, renames, removals and links', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'repronim-owners-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const folder of ['etc', 'var', 'new', 'usr']) mkdirSync(join(root, folder));
  for (const file of ['etc/shadow', 'etc/gshadow', 'var/target', 'var/odd\nnameü', 'new/inner', 'usr/expiry']) {
    writeFileSync(join(root, file), '');
  }
  symlinkSync('/var/target', join(root, 'var/link'));
  const lstat = (path: string) => lstatSync(root + path, { throwIfNoEntry: false });
  assert.deepEqual(ownersOfLog(log, [['/usr/expiry', 0, 42]], lstat, root), [
    ['/etc/gshadow', 0, 42],
    ['/etc/shadow', 0, 42],
    ['/new', 4, 4],
    ['/new/inner', 3, 3],
    ['/usr/expiry', 0, 42],
    ['/var/odd\nnameü', 9, 9],
    ['/var/target', 7, 8],
  ]);
});
