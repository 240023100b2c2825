import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { buildConda } from '../../../test/fakes/conda-channel.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { openArtifact } from './artifact/read.ts';
import { moveContent } from './link/move.ts';
import { orderPackages } from './link/order.ts';
import { entryPoint, placeOf } from './link/place.ts';
import { allEncodings, replacePrefix } from './link/replace.ts';

const long = '/home/conda/placehold_placehold_placehold_placehold';

test('a prefix in text: everywhere, whatever its length', () => {
  const text = Buffer.from(`a=${long}/x\nb=${long}\n`);
  assert.equal(replacePrefix(text, long, '/opt', 'text')?.toString(), 'a=/opt/x\nb=/opt\n');
  assert.equal(replacePrefix(Buffer.from('none'), long, '/opt', 'text')?.toString(), 'none');
});

test('an interpreter’s line that the kernel would cut looks its program up', () => {
  const prefix = `/opt/${'deep/'.repeat(30)}env`;
  const script = Buffer.from(`#!${long}/bin/python3.11 -s\nimport x # ${long}\n`);
  assert.equal(
    replacePrefix(script, long, prefix, 'text')?.toString(),
    `#!/usr/bin/env python3.11 -s\nimport x # ${prefix}\n`,
  );
  assert.equal(replacePrefix(script, long, '/opt', 'text')?.toString(), '#!/opt/bin/python3.11 -s\nimport x # /opt\n');
});

test('a prefix in a binary: strings keep their length by NULs, several in one string as well', () => {
  const binary = Buffer.from(`\x7fELF\0${long}/lib:${long}/lib64\0next\0`, 'latin1');
  const replaced = replacePrefix(binary, long, '/opt', 'binary');
  assert.equal(replaced?.length, binary.length);
  const padding = '\0'.repeat(2 * (long.length - '/opt'.length));
  assert.equal(replaced?.toString('latin1'), `\x7fELF\0/opt/lib:/opt/lib64${padding}\0next\0`);
  assert.equal(replacePrefix(binary, long, `${long}/longer`, 'binary'), undefined);
  // what does not end is no string
  assert.deepEqual(replacePrefix(Buffer.from(long), long, '/opt', 'binary'), Buffer.from(long));
});

test('conda looks in wide characters, too', () => {
  const wide = Buffer.concat([Buffer.from(`${long}\0`, 'utf16le'), Buffer.from('x')]);
  const replaced = replacePrefix(wide, long, '/opt', 'binary', { encodings: allEncodings });
  assert.equal(replaced?.subarray(0, 10).toString('utf16le'), '/opt\0');
  assert.equal(replaced?.length, wide.length);
});

test('what was kept moves: text in any length, binaries as far as their padding has room', () => {
  assert.equal(moveContent(Buffer.from('x=/opt/a/lib\n'), '/opt/a', '/opt/longer')?.toString(), 'x=/opt/longer/lib\n');
  const roomy = Buffer.from('\0/opt/a/lib\0\0\0\0\0\0\0\0z', 'latin1');
  assert.equal(moveContent(roomy, '/opt/a', '/opt/abc')?.toString('latin1'), '\0/opt/abc/lib\0\0\0\0\0\0z');
  assert.equal(moveContent(Buffer.from('\0/opt/a/lib\0z', 'latin1'), '/opt/a', '/opt/longer'), undefined);
});

test('pure Python goes where the prefix’s Python looks', () => {
  const python = { version: '3.11.2' };
  assert.equal(placeOf('site-packages/x.py', 'python', python), 'lib/python3.11/site-packages/x.py');
  assert.equal(placeOf('python-scripts/x', 'python', python), 'bin/x');
  assert.equal(placeOf('site-packages/x.py', 'generic', python), 'site-packages/x.py');
  const free = { version: '3.13.0', sitePackages: 'lib/python3.13t/site-packages' };
  assert.equal(placeOf('site-packages/x.py', 'python', free), 'lib/python3.13t/site-packages/x.py');
});

test('a command of a package of pure Python; what is none makes nothing', () => {
  // as py-rattler 0.28 wrote it
  const script = `#!/dev/shm/conda/env/bin/python3.11
# -*- coding: utf-8 -*-
import re
import sys

from pure import main

if __name__ == '__main__':
\tsys.argv[0] = re.sub(r'(-script\\.pyw?|\\.exe)?$', '', sys.argv[0])
\tsys.exit(main())
`;
  const made = entryPoint('pure-cli = pure:main', '/dev/shm/conda/env', { version: '3.11.2' });
  assert.equal(made?.path, 'bin/pure-cli');
  assert.equal(made?.content.toString(), script);
  for (const text of ['', 'x', '../x = a:b', 'x = a:b; import os', 'a/b = c:d', 'x = a b:c']) {
    assert.equal(entryPoint(text, '/opt', { version: '3.11.2' }), undefined, text);
  }
});

test('packages are linked after what they need; circles end', () => {
  const names = (list: readonly { name: string }[]) => list.map(({ name }) => name);
  assert.deepEqual(
    names(
      orderPackages([
        { name: 'a', depends: ['c >=1', 'not-here'] },
        { name: 'b', depends: ['a'] },
        { name: 'c', depends: ['b'] },
        { name: 'd', depends: [] },
      ]),
    ),
    ['b', 'c', 'a', 'd'],
  );
});

for (const format of ['conda', 'tar.bz2'] as const) {
  test(`an artifact in the format ${format} says what it is and what is in it`, async (t) => {
    const { folder } = contexts(t);
    const built = await buildConda({
      name: 'demo',
      version: '1.0',
      format,
      files: {
        'bin/x': { content: 'x', mode: 0o755 },
        'lib/y': { link: '../bin/x' },
        'etc/z': { content: `${long}\n`, replace: 'text' },
      },
    });
    const file = join(folder, built.file);
    writeFileSync(file, built.bytes);
    using artifact = openArtifact(file, 'demo 1.0');
    const info = await artifact.info();
    assert.deepEqual([info.name, info.version, info.build], ['demo', '1.0', '0']);
    assert.deepEqual(
      info.paths.map(({ path, type }) => [path, type]),
      [
        ['bin/x', 'file'],
        ['etc/z', 'file'],
        ['lib/y', 'link'],
      ],
    );
    const found: unknown[] = [];
    for await (const { path, mode, content, target } of artifact.payload()) {
      found.push([path, mode, content?.length ?? target]);
    }
    assert.deepEqual(found, [
      ['bin/x', 0o755, 1],
      ['etc/z', 0o644, long.length + 1],
      ['lib/y', 0o644, '../bin/x'],
    ]);
  });
}

test('what is no artifact is refused, wherever it is cut', async (t) => {
  const { folder } = contexts(t);
  const { bytes } = await buildConda({ name: 'demo', version: '1.0', files: { 'bin/x': { content: 'x' } } });
  const file = join(folder, 'x.conda');
  const read = async () => {
    using artifact = openArtifact(file, 'demo');
    await artifact.info();
    for await (const _ of artifact.payload());
  };
  for (let length = 0; length < bytes.length; length += 7) {
    writeFileSync(file, bytes.subarray(0, length));
    await assert.rejects(read, { name: 'UserError' }, String(length));
  }
});
