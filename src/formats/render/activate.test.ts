import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';

import { runProcess } from '../../sessions/process.ts';
import { renderActivation } from './activate.ts';

const awkward = `it's "$HOME" \`id\`\n$(touch /tmp/never) \\`;
const script = renderActivation(
  [
    { do: 'set', name: 'PATH', value: '/traced/bin:/usr/bin:/bin' },
    { do: 'set', name: 'NEW', value: awkward },
    { do: 'set', name: 'LOCAL', value: 'changed' },
    { do: 'prepend', name: 'PATH', value: '/env/my bin' },
    { do: 'prepend', name: 'LIBS', value: '/env/lib' },
    { do: 'unset', name: 'PYTHONHOME' },
    { do: 'set', name: 'BASH_FUNC_x%%', value: '() { :; }' },
  ],
  'a study\nrm -rf /',
);
const shells = ['/bin/sh', '/bin/bash', '/bin/dash', '/usr/bin/zsh', '/bin/busybox'].filter((file) => existsSync(file));
const show = `printf '%s\\0' "$PATH" "\${NEW-unset}" "\${LOCAL-unset}" "\${LIBS-unset}" "\${PYTHONHOME-unset}"; env -0 | sort -z`;

for (const shell of shells) {
  const argv = (text: string): [string, ...string[]] =>
    shell.endsWith('busybox') ? [shell, 'sh', '-c', text] : [shell, '-c', text];
  const env = { PATH: '/usr/sbin:/usr/bin:/bin', PYTHONHOME: '/old', LIBS: '' };
  const run = async (text: string) => {
    const { stdout } = await runProcess(argv(text), { env });
    return stdout
      .toString()
      .split('\0')
      .filter((line) => !/^(?:_|SHLVL|OLDPWD|PWD)=/.test(line));
  };

  test(`${shell}: what is sourced is exactly that, and is taken back exactly`, async () => {
    const before = await run(`set -eu; LOCAL=mine; ${show}`);
    const during = await run(`set -eu; LOCAL=mine; eval "$1"; ${show}`.replace('"$1"', quoted(script)));
    assert.deepEqual(during.slice(0, 5), [
      '/env/my bin:/traced/bin:/usr/bin:/bin',
      awkward,
      'changed',
      '/env/lib',
      'unset',
    ]);
    assert.ok(!existsSync('/tmp/never'));
    for (const end of ['repronim_deactivate', 'deactivate', `eval ${quoted(script)}; deactivate`]) {
      const after = await run(`set -eu; LOCAL=mine; eval ${quoted(script)}; ${end}; ${show}`);
      assert.deepEqual(after, before, end);
    }
    const clean = await run(
      `eval ${quoted(script)}; deactivate; set | grep -c ^_repronim; command -v deactivate || echo none`,
    );
    assert.deepEqual(clean, ['0\nnone\n']);
  });

  test(`${shell}: a deactivate that is there stays`, async () => {
    const text = `deactivate() { echo other; }; eval ${quoted(script)}; deactivate; repronim_deactivate; deactivate`;
    assert.deepEqual(await run(text), ['other\nother\n']);
  });
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
