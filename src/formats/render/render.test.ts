import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { zstdCompressSync } from 'node:zlib';

import fc from 'fast-check';

import { openStore } from '../../archives/store.ts';
import { UserError, type Plan, type Step } from '../../model/index.ts';
import { encodeHeader, tarEnd, tarPadding, type Header } from '../../roots/tar-header.ts';
import { readMembers } from '../../roots/tar-members.ts';
import { runProcess } from '../../sessions/process.ts';
import { renderDockerfile } from './dockerfile.ts';
import { comment, sh } from './quote.ts';
import { renderScript } from './script.ts';

test('every value is one word of a shell, whatever is in it', async () => {
  const words = fc.sample(
    fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '').toWellFormed()),
    { numRuns: 300, seed: 3 },
  );
  const hostile = [
    '',
    ' ',
    '$(touch x)',
    '`x`',
    "'",
    "''\\''",
    '"',
    '\n',
    '-n',
    'a=b',
    '*',
    '~',
    '#x',
    '!',
    '\\',
    ';',
    '&',
    '|',
    '>x',
    '$HOME',
    'é',
  ];
  const all = [...words, ...hostile];
  const argv = ['printf', '%s\\0', ...all];
  for (const shell of ['sh', 'bash']) {
    const { stdout } = await runProcess([shell, '-c', sh`${argv}`]);
    assert.deepEqual(stdout.toString().split('\0').slice(0, -1), all);
  }
  assert.throws(() => sh`${'a\0b'}`, UserError);
});

test('comments are one line', () => {
  assert.equal(comment('a\nRUN ["x"]\r\u2028\u001b[31m'), 'a RUN ["x"] [31m');
});

function tar(members: readonly (Partial<Header> & { name: string; content?: string })[]): Buffer {
  const parts = members.map(({ content = '', ...header }) =>
    Buffer.concat([
      encodeHeader({ type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeMs: 0, ...header, size: content.length }),
      Buffer.from(content),
      tarPadding(content.length),
    ]),
  );
  return Buffer.concat([...parts, tarEnd]);
}

async function* stream(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-render-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function members(file: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name, type, uid, mode, target } of readMembers(stream(readFileSync(file)))) {
    found.push(`${type} ${name} ${uid} ${mode.toString(8)}${target === undefined ? '' : ` ${target}`}`);
  }
  return found;
}

const root = tar([
  { name: 'bin', type: 'link', target: 'usr/bin', mode: 0o777 },
  { name: 'usr', type: 'directory', mode: 0o755 },
  { name: 'usr/bin', type: 'directory', mode: 0o755 },
  { name: 'usr/bin/sh', mode: 0o755, content: '#!' },
]);

function planOf(steps: readonly Step[]): Plan {
  return { bootstrap: { id: 'debian', type: 'debian', summary: '3 packages of Debian' }, steps, contents: [] };
}

test('a Dockerfile: one reason an instruction, no word of a shell, names that stay below the root', async (t) => {
  const folder = folderOf(t);
  const store = openStore(join(folder, 'store'));
  const content = await store.add(Buffer.from('loose'));
  const archive = await store.add(
    zstdCompressSync(
      tar([
        { name: 'a', type: 'directory', mode: 0o700 },
        { name: 'a/b', content: 'x', uid: 7 },
        { name: 'c', type: 'hardlink', target: 'a/b' },
      ]),
    ),
  );
  const because = 'a\nreason';
  const out = join(folder, 'out');
  await renderDockerfile(
    planOf([
      { do: 'write', path: '/home/u/x', content, mode: '0600', uid: 5, gid: 5, because },
      { do: 'directory', path: '/home/u', uid: 5, gid: 5, because },
      { do: 'link', path: '/bin/y', target: '../x', because: 'another' },
      { do: 'unpack', archive, into: '/work/$x', because },
      { do: 'run', argv: ['touch', '$(id)', "it's"], because },
      { do: 'remove', path: '/usr/-x', because },
      { do: 'account', name: 'u', uid: 5, gid: 5, home: '/home/u', because },
    ]),
    out,
    { store, root: stream(root), environment: { PATH: '/bin:$HOME"\\', ODD: 'a\nb' } },
  );
  const text = readFileSync(join(out, 'Dockerfile'), 'utf8');
  assert.equal(
    text.replace(/RUN \["\/usr\/bin\/env","-i","PATH=[^"]*","LC_ALL=C.UTF-8","\/bin\/sh",.*/, 'RUN account'),
    `# Written by repronim. In this folder: docker build --network none .
FROM scratch

# 3 packages of Debian
ADD layers/00-root.tar /

# a reason, and 1 more
ADD layers/01-files.tar /

# a reason
ADD layers/02-tree.tar /

# a reason
RUN ["/usr/bin/env","-i","PATH=/usr/sbin:/usr/bin:/sbin:/bin","LC_ALL=C.UTF-8","touch","$(id)","it's"]

# a reason
RUN ["/usr/bin/env","-i","PATH=/usr/sbin:/usr/bin:/sbin:/bin","LC_ALL=C.UTF-8","rm","-rf","--","/usr/-x"]

# a reason
RUN account

# what the runs had
ENV PATH="/bin:\\$HOME\\"\\\\"
# not written: ODD

CMD ["/bin/sh"]
`,
  );
  assert.deepEqual(await members(join(out, 'layers/01-files.tar')), [
    'directory home 0 755',
    'link bin/y 0 777 ../x',
    'directory home/u 5 755',
    'file home/u/x 5 600',
  ]);
  assert.deepEqual(await members(join(out, 'layers/02-tree.tar')), [
    'directory work 0 755',
    'directory work/$x 0 755',
    'directory work/$x/a 0 700',
    'file work/$x/a/b 7 644',
    'hardlink work/$x/c 0 644 work/$x/a/b',
  ]);
  assert.deepEqual(await members(join(out, 'layers/00-root.tar')), [
    'link bin 0 777 usr/bin',
    'directory usr 0 755',
    'directory usr/bin 0 755',
    'file usr/bin/sh 0 755',
  ]);
});

test('an archive that leads out of its folder is refused, and so is a folder that is not empty', async (t) => {
  const folder = folderOf(t);
  const store = openStore(join(folder, 'store'));
  for (const name of ['../x', 'a/../../x']) {
    const archive = await store.add(tar([{ name, content: 'x' }]));
    const plan = planOf([{ do: 'unpack', archive, into: '/work', because: 'x' }]);
    await assert.rejects(
      renderScript(plan, join(folder, `out${name.length}`), { store, root: stream(root) }),
      /leads out of it/,
    );
  }
  writeFileSync(join(folder, 'mine'), '');
  await assert.rejects(renderScript(planOf([]), folder, { store, root: stream(root) }), /is not empty/);
});

test('a script that a shell takes, with every value a word', async (t) => {
  const folder = folderOf(t);
  const store = openStore(join(folder, 'store'));
  const out = join(folder, 'out');
  await renderScript(planOf([{ do: 'run', argv: ['touch', "$(id) 'x"], because: 'x\nrm -rf /' }]), out, {
    store,
    root: stream(root),
    environment: { A: "b 'c" },
  });
  const text = readFileSync(join(out, 'build.sh'), 'utf8');
  assert.match(
    text,
    /\n# x rm -rf \/\nchroot "\$root" \/usr\/bin\/env -i '?PATH=[^ ]* '?LC_ALL=C.UTF-8'? touch '\$\(id\) '\\''x'\n/,
  );
  assert.equal((await runProcess(['sh', '-n', join(out, 'build.sh')])).status, 0);
});
