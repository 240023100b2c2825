/**
 * Images go from every backend to every other, in each form: what comes back is the same tree, with its spec.
 * WHOLE_TABLE=1 tries every backend × form × backend; else each of them stands at least once on either side.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { apptainerHere } from './apptainer-here.ts';
import { awkwardRoot } from './awkward-root.ts';
import { commandIn, type Said } from './command.ts';
import { withDockerd } from './dockerd.ts';
import { haveOrSkip, need, scratch } from './need.ts';
import { needPodman } from './podman.ts';

const forms = ['tar', 'docker.tar', 'oci', 'oci.tar', 'sif', 'squashfs'] as const;
type Run = ReturnType<typeof commandIn>;

async function does(run: Run, ...words: readonly string[]): Promise<string> {
  const { status, stdout, stderr }: Said = await run(...words);
  assert.equal(status, 0, `${words.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}

test('an image goes from each backend in each form to each backend, and is the same', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('a docker daemon of our own needs root');
  await needPodman();
  await need('schroot', 'squashfs-tools-ng', 'squashfs-tools');
  const top = scratch('round-trips', 2 ** 29);
  const ends: (() => Promise<void>)[] = [];
  const DOCKER_HOST = await withDockerd({ after: (end) => ends.push(end) });
  const here = commandIn(join(top, 'here'), { DOCKER_HOST });
  const there = commandIn(join(top, 'there'), { DOCKER_HOST });
  t.after(async () => {
    await giveBack(here);
    await giveBack(there);
    for (const end of ends) await end();
  });
  const back = `back-${process.pid}`;
  const { have: program, skip } = await haveOrSkip(apptainerHere);
  if (skip !== false) t.diagnostic(`without apptainer: ${skip}`);
  const backends: readonly (readonly [string, ...string[]])[] = [
    ['chroot'],
    ['docker'],
    ['podman'],
    ...(program === undefined ? [] : [['apptainer', '--set', `program=${program}`] as const]),
    ['schroot'],
  ];
  const root = await oneOfAll();
  const spec = join(top, 'all.yaml');
  await does(here, 'trace', '-q', '--system', '--in', `root:${root}`, '-o', spec);
  await does(here, 'image', 'import', `root:${root}`, '-t', 'all:1', '--spec', spec);
  const fingerprint = (await does(here, 'fingerprint', `root:${root}`)).trim();

  for (const [from, ...fromParams] of backends) {
    const name = `on-${from}-${process.pid}`;
    await does(here, 'create', name, '--image', 'all:1', '-b', from, ...fromParams);
    await does(here, 'image', 'import', name, '-t', `of-${from}:1`);
  }
  const whole = process.env['WHOLE_TABLE'] === '1';
  const table = backends.flatMap(([from], row) =>
    forms.flatMap((form, column) =>
      backends.flatMap(([to, ...toParams], place) => {
        // a diagonal: every form once, and every backend on both sides
        const isDiagonal =
          column % backends.length === row &&
          (row + 1 + Math.floor(column / backends.length)) % backends.length === place;
        return whole || isDiagonal ? [{ from, form, to, toParams }] : [];
      }),
    ),
  );
  const files = new Set<string>();
  for (const { from, form, to, toParams } of table) {
    const cell = `${from} → ${form} → ${to}`;
    const file = join(top, `of-${from}.${form}`);
    const tag = `of-${from}.${form}`;
    if (!files.has(file)) {
      files.add(file);
      await does(here, 'image', 'export', `of-${from}:1`, '-o', file);
      await does(there, 'image', 'import', file, '-t', tag);
    }
    await does(there, 'create', back, '--image', tag, '-b', to, ...toParams);
    const verdict = await does(there, 'verify', back); // with the spec that came along
    assert.match(verdict, / is what its spec says\.$/m, cell);
    assert.equal(/^fingerprint +(.*)$/m.exec(verdict)?.[1], fingerprint, cell);
    await does(there, 'delete', '-y', back);
  }
  t.diagnostic(`${table.length} round trips`);
});

/** Takes away everything that engines have of it. */
async function giveBack(run: Run): Promise<void> {
  const names = JSON.parse((await run('ls', '--json')).stdout) as readonly { readonly name: string }[];
  if (names.length > 0) await run('delete', '-y', ...names.map(({ name }) => name));
  const images = JSON.parse((await run('image', 'ls', '--json')).stdout) as readonly { readonly digest: string }[];
  for (const { digest } of images) await run('image', 'delete', '-y', digest);
}

const release = 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n';
const state = 'Status: install ok installed\nEssential: yes\nArchitecture: amd64\nVersion: 1\nDescription: all of it\n';

/** A Debian of one package: everything awkward that dpkg can name, and some that it cannot. */
async function oneOfAll(): Promise<string> {
  const root = await awkwardRoot();
  rmSync(join(root, 'opt/null')); // a device: an image has none
  const info = join(root, 'var/lib/dpkg/info');
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => !/[\n\uFFFD]/.test(name));
  mkdirSync(info, { recursive: true });
  writeFileSync(join(root, 'etc/os-release'), release);
  writeFileSync(join(info, '../status'), `Package: awkward\n${state}`);
  writeFileSync(join(info, 'format'), '1\n');
  writeFileSync(join(info, 'awkward.list'), ['/.', ...names.map((name) => `/${name}`), ''].join('\n'));
  const programs = names.filter((name) => /^usr\/bin\/./.test(name));
  const sums = programs.map(
    (name) =>
      `${createHash('md5')
        .update(readFileSync(join(root, name)))
        .digest('hex')}  ${name}\n`,
  );
  writeFileSync(join(info, 'awkward.md5sums'), sums.join(''));
  return root;
}
