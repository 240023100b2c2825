/** One Debian, stock and without a shell, in every form in which it may be met: nothing is started to look at it. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';

import { archiveRoot } from '../../src/roots/image/open.ts';
import { tarRoot } from '../../src/roots/tar.ts';
import { runProcess } from '../../src/sessions/process.ts';
import type { Root } from '../../src/contract/index.ts';
import { commandIn } from './command.ts';
import { dockerAt, type Docker } from './machine.ts';
import { withDockerd } from './dockerd.ts';
import { mirror, need, scratch } from './need.ts';

const folder = scratch('places');
const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: '/root' };
const ends: (() => Promise<void>)[] = [];
const at = (name: string) => join(folder, name);
let engine: Docker;
let repronim: ReturnType<typeof commandIn>;

before(async () => {
  await need('mmdebstrap', 'skopeo', 'strace');
  const source = `deb ${await mirror()} bookworm main`;
  const quiet = ['--quiet', '--variant=minbase', '--skip=cleanup/apt/lists'];
  quiet.push('--aptopt=Acquire::GzipIndexes "true"', '--aptopt=Acquire::Languages "none"');
  quiet.push('--dpkgopt=path-exclude=/usr/share/locale/*', '--dpkgopt=path-exclude=/usr/share/man/*');
  await runProcess(['mmdebstrap', ...quiet, 'bookworm', at('root.tar'), source], { env });
  mkdirSync(at('root'));
  await runProcess(['tar', '-C', at('root'), '-xf', at('root.tar')], { env });
  engine = await dockerAt(await withDockerd({ after: (end) => ends.push(end) }));
  repronim = commandIn(at('home'), { DOCKER_HOST: engine.address });
  await engine.docker('import', at('root.tar'), 'repronim-places:stock');
});

test.after(async () => {
  await engine
    ?.docker('rmi', '-f', 'repronim-places:stock', 'repronim-places:changed', 'repronim-places:bare')
    .catch(() => {});
  for (const end of ends) await end();
});

/** The image in each form: of the daemon, saved, as OCI layout; and for `all` also as OCI archive, packed, named. */
async function formsOf(image: string, name: string, all = false): Promise<string[]> {
  await engine.docker('save', '-o', at(`${name}.tar`), image);
  await runProcess(
    [
      'skopeo',
      '--insecure-policy',
      'copy',
      '-q',
      `docker-archive:${at(`${name}.tar`)}`,
      `oci:${at(`${name}-oci`)}:first`,
    ],
    { env },
  );
  const forms = [`docker:${image}`, `tar:${at(`${name}.tar`)}`, `oci:${at(`${name}-oci`)}`];
  if (!all) return forms;
  await runProcess(['tar', '-C', at(`${name}-oci`), '-cf', at(`${name}-oci.tar`), '.'], { env });
  await runProcess(['zstd', '-q', '-1', at(`${name}.tar`), '-o', at(`${name}.tar.zst`)], { env });
  return [...forms, `tar:${at(`${name}.tar.zst`)}`, `oci:${at(`${name}-oci`)}:first`, `tar:${at(`${name}-oci.tar`)}`];
}

async function system(place: string): Promise<string> {
  const { status, stdout, stderr } = await repronim('trace', '--in', place, '--system', '-o', '-');
  assert.equal(status, 0, `${place}: ${stderr}`);
  return stdout;
}

test('a stock Debian gives the same spec and fingerprint in every form', async (t) => {
  const forms = [
    `root:${at('root')}`,
    `tar:${at('root.tar')}`,
    ...(await formsOf('repronim-places:stock', 'stock', true)),
  ];
  const [first, ...others] = await Promise.all(forms.map(system));
  assert.match(first ?? '', /^- type: debian$/m);
  assert.ok((first?.match(/why: /g) ?? []).length > 70);
  for (const [index, spec] of others.entries()) assert.equal(spec, first, forms[index + 1]);
  const prints = await Promise.all(forms.slice(1, 5).map(async (form) => (await repronim('fingerprint', form)).stdout));
  assert.match(prints[0] ?? '', /^sha256:/);
  assert.deepEqual(new Set(prints).size, 1, prints.join(''));
  writeFileSync(at('stock.yaml'), first ?? '');
  const same = await repronim('diff', at('stock.yaml'), 'docker:repronim-places:stock');
  assert.deepEqual([same.status, same.stderr], [0, ''], same.stdout);
  const started = performance.now();
  await system(`tar:${at('stock.tar')}`);
  t.diagnostic(`${Math.round(performance.now() - started)} ms from the command line, for an image of 220 MB`);
});

test('layers that change, hide and replace are what the engine itself shows', async () => {
  const script =
    'rm /etc/motd; rm -r /usr/share/doc/bash; rm -r /opt; mkdir /opt; echo new >/opt/new; rm -r /var/cache/apt; ' +
    'ln /opt/new /opt/linked; chmod 700 /srv; rm /bin/sh; ln -s bash /bin/sh; rm -r /mnt; echo file >/mnt';
  await engine.docker(
    'run',
    '--name',
    'repronim-places',
    '--network',
    'none',
    'repronim-places:stock',
    'bash',
    '-c',
    script,
  );
  try {
    await engine.docker('commit', 'repronim-places', 'repronim-places:changed');
    await engine.docker('export', '-o', at('export.tar'), 'repronim-places');
    await engine.docker('save', '-o', at('changed.tar'), 'repronim-places:changed');
    const whole = await repronim('trace', '--in', 'docker:repronim-places', '--path', '/bin/bash', '-o', '-');
    assert.match(whole.stdout, /\{name: bash, .*why: used/, whole.stderr);
  } finally {
    await engine.docker('rm', '-f', 'repronim-places');
  }
  await using layered = await archiveRoot(at('changed.tar'), 'layers');
  await using exported = await tarRoot(at('export.tar'), 'export');
  assert.deepEqual(await entriesOf(layered), await entriesOf(exported));
  assert.deepEqual(layered.notes, []);
  const [changed, ...others] = await Promise.all((await formsOf('repronim-places:changed', 'changed-2')).map(system));
  for (const other of others) assert.equal(other, changed);
});

test('a root without a shell, as distroless images are: packages by status.d, the program beside them', async () => {
  const root = at('bare');
  const status = readFileSync(join(at('root'), 'var/lib/dpkg/status'), 'utf8').split('\n\n');
  mkdirSync(join(root, 'var/lib/dpkg/status.d'), { recursive: true });
  for (const name of ['base-files', 'libc6', 'zlib1g']) {
    const info = ['', ':amd64'].map((suffix) => join(at('root'), `var/lib/dpkg/info/${name}${suffix}`));
    const base = info.find((one) => existsSync(`${one}.md5sums`)) ?? '';
    const sums = readFileSync(`${base}.md5sums`, 'utf8');
    writeFileSync(join(root, `var/lib/dpkg/status.d/${name}.md5sums`), sums);
    const paragraph = status.find((one) => one.startsWith(`Package: ${name}\n`)) ?? '';
    writeFileSync(join(root, 'var/lib/dpkg/status.d', name), `${paragraph.replace(/^Status: .*\n/m, '')}\n`);
    for (const line of sums.trimEnd().split('\n')) {
      const path = line.slice(34);
      mkdirSync(join(root, dirname(path)), { recursive: true });
      cpSync(join(at('root'), path), join(root, path), { verbatimSymlinks: true });
    }
  }
  mkdirSync(join(root, 'etc'), { recursive: true });
  cpSync(join(at('root'), 'usr/lib/os-release'), join(root, 'etc/os-release'));
  mkdirSync(join(root, 'opt/app'), { recursive: true });
  writeFileSync(at('app.c'), 'int main(void) { return 0; }\n');
  await need('gcc', 'libc6-dev');
  await runProcess(['gcc', '-static', '-o', join(root, 'opt/app/server'), at('app.c')], { env });
  await runProcess(['tar', '-C', root, '-cf', at('bare-root.tar'), '.'], { env });
  await engine.docker('import', at('bare-root.tar'), 'repronim-places:bare');
  const forms = [`root:${root}`, ...(await formsOf('repronim-places:bare', 'bare'))];
  const traced = await Promise.all(
    forms.map(async (place) => {
      const paths = [
        '/opt/app/server',
        '/usr/lib/x86_64-linux-gnu/libz.so.1.2.13',
        '/lib/x86_64-linux-gnu/libz.so.1.2.13',
      ];
      return await repronim('trace', '--in', place, ...paths.flatMap((path) => ['--path', path]), '-o', '-');
    }),
  );
  const [first, ...others] = traced.map(({ stdout }) => stdout);
  assert.match(first ?? '', /\{name: zlib1g, /, traced[0]?.stderr);
  assert.match(first ?? '', /^ {6}- \{name: libc6, /m);
  assert.match(first ?? '', /opt\/app/);
  for (const other of others) assert.equal(other, first);
});

test('looking into an image starts no programs in it, and hardly any here', async () => {
  const log = at('processes');
  const argv = ['strace', '-f', '-qq', '-e', 'trace=execve', '-e', 'signal=none', '-o', log] as const;
  const main = join(import.meta.dirname, '../../src/cli/main.ts');
  const words = ['trace', '--in', `tar:${at('stock.tar')}`, '--system', '-o', at('counted.yaml')];
  await runProcess([...argv, process.execPath, main, ...words], { env: { ...env, REPRONIM_HOME: at('home') } });
  const executed = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.endsWith(' = 0'));
  assert.ok(executed.length <= 3, executed.join('\n'));
});

test('a command is traced in an instance, on both backends, and in a folder', async () => {
  const command = ['sh', '-c', 'perl -e "print 6*7" >/root/answer; cat /root/answer'];
  const traced: string[] = [];
  const inside = async (place: string) => {
    const said = await repronim('trace', '--in', place, '-o', at(`${traced.length}.yaml`), '--', ...command);
    assert.deepEqual([said.status, said.stdout], [0, '42'], `${place}: ${said.stderr}`);
    traced.push(readFileSync(at(`${traced.length}.yaml`), 'utf8'));
  };
  for (const backend of ['chroot', 'docker']) {
    const made = await repronim('create', `in-${backend}`, at('stock.yaml'), '--backend', backend);
    assert.equal(made.status, 0, made.stderr);
    await inside(`in-${backend}`);
    const left = await repronim('exec', `in-${backend}`, '--', 'ls', '/');
    assert.doesNotMatch(left.stdout, /repronim/);
    const failed = await repronim('trace', '--in', `in-${backend}`, '-o', '-', '--', 'no-such-command');
    assert.equal(failed.status, 127);
    const verdict = await repronim('verify', `in-${backend}`);
    assert.doesNotMatch(verdict.stdout, /repronim-/);
    assert.equal((await repronim('delete', '-y', `in-${backend}`)).status, 0);
  }
  await inside(`root:${at('root')}`);
  assert.equal(existsSync(join(at('root'), 'root/answer')), false);
  assert.match(traced[0] ?? '', /^ {2}outputs: \[root\/answer\]$/m);
  assert.match(traced[0] ?? '', /\{name: perl-base, .*why: used/);
  assert.doesNotMatch(traced.join(''), /strace|repronim-/);
  assert.equal(traced[1], traced[0]);
  const without = (text: string) => text.replaceAll(/^ {4}signed-by:.*\n(?: {4}- .*\n)*/gm, '').split('\nlock:')[0];
  assert.equal(without(traced[2] ?? ''), without(traced[0] ?? ''));
});

/** All but what engines put into a container of their own. */
async function entriesOf(root: Root): Promise<unknown[]> {
  const own = /^\/(?:\.dockerenv|etc|etc\/(?:hosts|hostname|resolv\.conf|mtab)|dev(?:\/.*)?|proc|sys)$/;
  const entries = await Array.fromAsync(root.scan({ digests: ['sha256', 'md5'] }));
  return entries.filter(({ path }) => !own.test(path)).map((entry) => ({ ...entry }));
}
