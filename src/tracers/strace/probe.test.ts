import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { straceTracer } from './index.ts';

const here = join(import.meta.dirname, 'index.ts');
const real = await straceTracer.probe(new AbortController().signal);

/** What a probe says where the strace on the PATH is this script (or there is none). */
function probe(t: TestContext, script?: string): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-probe-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  if (script !== undefined) {
    writeFileSync(join(folder, 'strace'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'strace'), 0o755);
  }
  const program = `import(${JSON.stringify(here)}).then(async ({ straceTracer }) =>
    console.log(JSON.stringify(await straceTracer.probe(new AbortController().signal))))`;
  const said = execFileSync(process.execPath, ['-e', program], { env: { PATH: folder }, encoding: 'utf8' });
  return JSON.parse(said) as Record<string, string>;
}

test('no strace: how to get one', (t) => {
  assert.deepEqual(probe(t), {
    usable: false,
    because: 'strace is not installed',
    hint: 'install it: apt-get install strace',
  });
});

test('tracing is forbidden: by whom it can be allowed', (t) => {
  // As strace 6.1 says it in a container without ptrace.
  const refused = probe(t, 'echo "strace: do_test: PTRACE_TRACEME: Operation not permitted" >&2; exit 1');
  assert.match(refused['because'] ?? '', /does not let programs be traced/);
  assert.match(refused['hint'] ?? '', /SYS_PTRACE/);
});

test(
  'an older strace, and a kernel without seccomp, trace all the same',
  { skip: real.usable ? false : real.because },
  (t) => {
    const strace = execFileSync('/bin/sh', ['-c', 'command -v strace'], { encoding: 'utf8' }).trim();
    const old = probe(
      t,
      `for a; do case $a in --*) [ "$a" = -- ] || exit 1;; quiet=*) exit 1;; esac; done; exec ${strace} "$@"`,
    );
    assert.match(old['detail'] ?? '', /without seccomp-bpf/);
    const unavailable = 'echo "strace: seccomp filter is requested but unavailable" >&2';
    const plain = probe(t, `for a; do [ "$a" != --seccomp-bpf ] || ${unavailable}; done; exec ${strace} "$@"`);
    assert.match(plain['detail'] ?? '', /without seccomp-bpf/);
  },
);
