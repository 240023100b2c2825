import assert from 'node:assert/strict';
import { test } from 'node:test';

import { formatRecord, parseRecord, recordPath, recordSha256, toRecordHash } from './record.ts';

// of pip 23.0.1's installation of markupsafe 3.0.4, cut short
const real = `../../../bin/tool,sha256=VbpH706ZlWTb9wx3FdVmNGw5k0OwwJbpFRljYfx9QKc,232
markupsafe-3.0.4.dist-info/INSTALLER,sha256=zuuue4knoyJ-UwPPXg8fezS7VCrXJQrAP7zeNuwvFQg,4
markupsafe-3.0.4.dist-info/RECORD,,
markupsafe/__init__.py,sha256=H1EnQ7C6bpbB16lFDkJYiemXjrPS0V5y3VfIxH9RhoY,13354
markupsafe/__pycache__/__init__.cpython-311.pyc,,
`;

test('a RECORD is read and written the same', () => {
  const entries = parseRecord(Buffer.from(real));
  assert.deepEqual(entries[0], {
    path: '../../../bin/tool',
    hash: 'sha256=VbpH706ZlWTb9wx3FdVmNGw5k0OwwJbpFRljYfx9QKc',
    size: 232,
  });
  assert.deepEqual(entries[2], { path: 'markupsafe-3.0.4.dist-info/RECORD' });
  assert.equal(formatRecord(entries), real);
  assert.deepEqual(parseRecord(Buffer.from(real.replaceAll('\n', '\r\n'))), entries);
});

test('quoted names, and lines that are none', () => {
  const text = '"a ""b"", c.py",sha256=x,1\n\nnothing\n,,\nplain.py,,\n"never ended,1';
  assert.deepEqual(parseRecord(Buffer.from(text)), [
    { path: 'a "b", c.py', hash: 'sha256=x', size: 1 },
    { path: 'plain.py' },
  ]);
  const odd = [{ path: 'a "b", c.py', hash: 'sha256=x', size: 1 }];
  assert.deepEqual(parseRecord(Buffer.from(formatRecord(odd))), odd);
});

test('hashes both ways', () => {
  const hex = 'ceebae7b8927a3227e5303cf5e0f1f7b34bb542ad7250ac03fbcde36ec2f1508';
  assert.equal(recordSha256('sha256=zuuue4knoyJ-UwPPXg8fezS7VCrXJQrAP7zeNuwvFQg'), hex);
  assert.equal(toRecordHash(hex), 'sha256=zuuue4knoyJ-UwPPXg8fezS7VCrXJQrAP7zeNuwvFQg');
  assert.equal(recordSha256('md5=zuuue4knoyJ-UwPPXg8fezS7VCrXJQrAP7zeNuwvFQg'), undefined);
  assert.equal(recordSha256(undefined), undefined);
});

test('where entries lie: never above the root, never an odd path', () => {
  const site = '/e/lib/python3.11/site-packages';
  assert.equal(recordPath(site, 'a/b.py'), `${site}/a/b.py`);
  assert.equal(recordPath(site, '../../../bin/x'), '/e/bin/x');
  assert.equal(recordPath(site, '/abs/x'), '/abs/x');
  assert.equal(recordPath(site, '../../../../../../../../etc/passwd'), '/etc/passwd');
  assert.equal(recordPath(site, 'a/../b'), `${site}/b`);
  assert.equal(recordPath(site, 'a/'), undefined);
  assert.equal(recordPath(site, 'a\0b'), undefined);
  assert.equal(recordPath(site, `${'x/'.repeat(3000)}x`), undefined);
});
