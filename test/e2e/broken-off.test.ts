/** Disks that are full and engines that are killed, while something is made: what is said, what is left, what works then. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { runProcess } from '../../src/sessions/process.ts';
import { apptainerHere } from './apptainer-here.ts';
import { awkwardRoot } from './awkward-root.ts';
import { startDockerd } from './dockerd.ts';
import { need } from './need.ts';
import { needPodman } from './podman.ts';
import { withSshd } from './sshd.ts';
import { openVictim, type Victim } from './victim.ts';

const isRoot = process.getuid?.() === 0;

/** A file system of its own, of so many MiB, until the end of the test. */
async function smallDisk(t: TestContext, mebibytes: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-small-'));
  await runProcess(['mount', '-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'none', folder]);
  t.after(async () => {
    await runProcess(['umount', '-l', folder], { accept: 'any' });
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Takes all room of a file system but so many KiB; what is returned gives it back. */
function fill(disk: string, but: number): () => void {
  const { bavail, bsize } = statfsSync(disk);
  const file = join(disk, 'fill');
  writeFileSync(file, Buffer.alloc(Math.max(0, bavail * bsize - but * 1024)));
  return () => rmSync(file);
}

async function small(victim: Victim): Promise<void> {
  const { status, stderr } = await victim.types('image', 'import', `root:${await awkwardRoot()}`, '-t', 'small');
  assert.equal(status, 0, stderr);
}

/** Without room: said in one line, with the place and what is needed; nothing is left; with room it works. */
async function withoutRoom(victim: Victim, disk: string, options: readonly string[]): Promise<void> {
  const create = async () => await victim.types('create', victim.name, '--image', 'small', ...options);
  const makeRoom = fill(disk, 600);
  const full = await create();
  assert.equal(full.status, 1, full.stderr);
  assert.match(full.stderr, /^error: (?:cannot create \S+ with \S+: )?no room in \/\S+.*: .*\d.* needed$/m);
  assert.match(full.stderr, /^hint: {2}.*make room.*the same again/m);
  assert.doesNotMatch((await victim.types('ls', '--json')).stdout, new RegExp(`"${victim.name}"`));
  makeRoom();
  const { status, stderr } = await create();
  assert.equal(status, 0, stderr);
  assert.match((await victim.types('exec', victim.name, '--', 'cat', '/etc/passwd')).stdout, /^u:x:1000/m);
  assert.equal((await victim.types('delete', victim.name, '--yes')).status, 0);
  assert.equal((await victim.types('prune', '--yes')).status, 0);
}

describe('a full disk', { concurrency: 2, skip: isRoot ? false : 'only root may mount a small disk' }, () => {
  test('ours: a SIF, a tar of schroot', async (t) => {
    await need('schroot', 'squashfs-tools-ng');
    const disk = await smallDisk(t, 96);
    using victim = openVictim('full', { REPRONIM_HOME: disk });
    await small(victim);
    const program = await apptainerHere();
    await withoutRoom(victim, disk, ['-b', 'apptainer', '--set', `program=${program}`, '--set', 'format=sif']);
    await withoutRoom(victim, disk, ['-b', 'schroot', '--set', 'type=file']);
    const makeRoom = fill(disk, 0);
    const full = await victim.types('create', victim.name, '--image', 'small');
    assert.match(full.stderr, /^error: no room in \/\S+: \d+ k?B free$/m);
    for (const words of [['ls'], ['prune', '--yes'], ['image', 'delete', 'small', '--yes']]) {
      const said = await victim.types(...words); // how else would one make room
      assert.equal(said.status, 0, `${words.join(' ')}: ${said.stderr}`);
    }
    makeRoom();
  });

  test('of docker', async (t) => {
    using victim = openVictim('full-docker');
    await small(victim);
    const disk = await smallDisk(t, 96);
    const address = await startDockerd(t, join(disk, 'data'));
    await withoutRoom(victim, disk, ['-b', 'docker', '--set', `host=${address}`]);
  });

  test('of podman', async (t) => {
    await needPodman();
    const disk = await smallDisk(t, 96);
    const settings = join(disk, 'storage.conf');
    const places = `graphroot = "${join(disk, 'graph')}"\nrunroot = "${join(disk, 'run')}"\n`;
    writeFileSync(settings, `[storage]\ndriver = "overlay"\n${places}`);
    using victim = openVictim('full-podman', { CONTAINERS_STORAGE_CONF: settings });
    await small(victim);
    await withoutRoom(victim, disk, ['-b', 'podman']);
  });

  test('of a host', async (t) => {
    using victim = openVictim('full-ssh');
    await small(victim);
    const disk = await smallDisk(t, 96);
    await using server = await withSshd();
    const folder = join(disk, 'state');
    mkdirSync(folder);
    const host = ['-b', 'ssh', '--set', 'host=there', '--set', `config=${server.config}`];
    await withoutRoom(victim, disk, [...host, '--set', `folder=${folder}`]);
  });
});

test('docker is killed while it takes an image', { skip: isRoot ? false : 'only root may start one' }, async (t) => {
  using victim = openVictim('killed-docker');
  await small(victim);
  const data = mkdtempSync(join(tmpdir(), 'repronim-data-'));
  const ends: (() => Promise<void>)[] = [];
  const owner = { after: (end: () => Promise<void>) => ends.push(end) };
  t.after(async () => {
    for (const end of ends) await end();
    const table = readFileSync('/proc/self/mounts', 'utf8').split('\n');
    const mounts = table.map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(data));
    for (const mount of mounts.toReversed()) await runProcess(['umount', '-l', mount], { accept: 'any' });
    rmSync(data, { recursive: true, force: true });
  });
  const first = await startDockerd(owner, data);
  const on = (host: string) => ['-b', 'docker', '--set', `host=${host}`] as const;
  const creating = victim.types('create', victim.name, '--image', 'small', ...on(first));
  const images = join(victim.home, 'state/images');
  while (!isBegun(images)) await sleep(2);
  process.kill(Number(readFileSync(join(first.slice('unix://'.length), '../pid'), 'utf8')), 'SIGKILL');
  const { status, stderr } = await creating;
  assert.notEqual(status, 0);
  assert.match(stderr, /^error: .*(?:broke off the connection|no daemon answers)/m);
  assert.match(stderr, /^hint: {2}/m);
  assert.doesNotMatch(stderr, /bug of repronim/);
  const second = await startDockerd(owner, data);
  await victim.types('delete', victim.name, '--yes'); // where it could not be taken back without the daemon
  const again = await victim.types('create', victim.name, '--image', 'small', ...on(second));
  assert.equal(again.status, 0, again.stderr);
  assert.match((await victim.types('exec', victim.name, '--', 'cat', '/etc/passwd')).stdout, /^u:x:1000/m);
  assert.equal((await victim.types('delete', victim.name, '--yes')).status, 0);
});

function isBegun(folder: string): boolean {
  try {
    return readdirSync(folder).some((name) => name.endsWith('.json'));
  } catch {
    return false;
  }
}
