import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { lookHere } from './look.ts';
import { parseFormat } from './programs.ts';

function file(t: TestContext, content: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-programs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'program.jar');
  writeFileSync(path, content);
  return path;
}

test("the interpreter of this machine's programs is an existing loader", () => {
  const found = lookHere(0).interpreter(process.execPath, []);
  assert.match(found?.name ?? '', /^\/lib.*\/ld[^/]*$/);
  assert.equal(found?.executed, false);
});

test('scripts name theirs in the first 256 bytes', (t) => {
  const long = `/${'l'.repeat(200)}/python3`;
  assert.deepEqual(lookHere(0).interpreter(file(t, `#!${long} -s\nx`), []), { name: long, executed: true });
  assert.deepEqual(lookHere(0).interpreter(file(t, '#! \tbin/awk -f\n'), []), { name: 'bin/awk', executed: true });
  assert.equal(lookHere(0).interpreter(file(t, `#!/${'l'.repeat(300)}\n`), [])?.name.length, 254);
  assert.equal(lookHere(0).interpreter(file(t, 'echo no\n'), []), undefined);
  assert.equal(lookHere(0).interpreter('/nonexistent', []), undefined);
});

test('an ELF file of the other class and byte order', (t) => {
  const elf = Buffer.alloc(52 + 32 + 16);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 1, 2]);
  elf.writeUInt32BE(52, 28);
  elf.writeUInt16BE(32, 42);
  elf.writeUInt16BE(1, 44);
  elf.writeUInt32BE(3, 52);
  elf.writeUInt32BE(84, 56);
  elf.writeUInt32BE(15, 68);
  elf.write('/lib/ld.so.1\0', 84);
  assert.deepEqual(lookHere(0).interpreter(file(t, elf), []), { name: '/lib/ld.so.1', executed: false });
  assert.equal(lookHere(0).interpreter(file(t, elf.subarray(0, 60)), []), undefined);
});

test('binfmt_misc', (t) => {
  // As the kernel shows python3.11's rule on Debian 12, and one by extension.
  const python = parseFormat('enabled\ninterpreter /usr/bin/python3.11\nflags: \noffset 0\nmagic a70d0d0a\n');
  const java = parseFormat('enabled\ninterpreter /usr/bin/jexec\nflags: \nextension .jar\n');
  assert.ok(python);
  assert.ok(java);
  assert.equal(parseFormat('disabled\ninterpreter /usr/bin/x\noffset 0\nmagic 00\n'), undefined);
  const compiled = file(t, Buffer.from([0xa7, 0x0d, 0x0d, 0x0a, 0, 0]));
  assert.deepEqual(lookHere(0).interpreter(compiled, [python]), { name: '/usr/bin/python3.11', executed: true });
  assert.equal(lookHere(0).interpreter(file(t, 'PK'), [python, java])?.name, '/usr/bin/jexec');
});
