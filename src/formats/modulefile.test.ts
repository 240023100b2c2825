import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { EnvironmentChange } from '../model/index.ts';
import { luaModulefile, tclModulefile } from './modulefile.ts';

const changes: readonly EnvironmentChange[] = [
  { do: 'set', name: 'PATH', value: '/usr/bin:/bin' },
  { do: 'prepend', name: 'PATH', value: '/opt/env/bin' },
  { do: 'set', name: 'ODD', value: 'a "b" $c [d] {e} \\f\ng' },
  { do: 'set', name: 'DASH', value: '-d' },
  { do: 'unset', name: 'PYTHONHOME' },
];

test('an environment is a module for both tools', () => {
  const module = { name: 'study/7f3a', about: 'made by repronim\n[exit]', changes };
  assert.equal(
    tclModulefile(module),
    `#%Module1.0
module-whatis "made by repronim \\[exit\\]"
conflict study
prepend-path PATH /opt/env/bin:/usr/bin:/bin
setenv ODD "a \\"b\\" \\$c \\[d\\] \\{e\\} \\\\f\\ng"
setenv DASH "-d"
unsetenv PYTHONHOME
`,
  );
  assert.equal(
    luaModulefile(module),
    `whatis("made by repronim [exit]")
conflict("study")
prepend_path("PATH", "/opt/env/bin:/usr/bin:/bin")
setenv("ODD", "a \\"b\\" $c [d] {e} \\\\f\\010g")
setenv("DASH", "-d")
unsetenv("PYTHONHOME")
`,
  );
});

test('what could become syntax is refused', () => {
  for (const write of [tclModulefile, luaModulefile]) {
    assert.throws(() => write({ name: 'a;exit', about: '', changes: [] }), /no name for a module/);
    const name = 'X"); os.exit(';
    assert.throws(() => write({ name: 'a', about: '', changes: [{ do: 'unset', name }] }), /set by no modulefile/);
    assert.throws(() => write({ name: 'a', about: '', changes: [{ do: 'set', name: 'X', value: '\0' }] }), /NUL/);
  }
});
