/** `kill -9` of create at random moments: nothing is left that ls does not show, and delete and prune not take away. */
import assert from 'node:assert/strict';
import { mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, lstatSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { labels } from '../../src/backends/docker/image.ts';
import { connectEngine, type Engine } from '../../src/backends/docker/client.ts';
import { remove } from '../../src/flows/attach.ts';
import { listInstances } from '../../src/flows/list.ts';
import { prune, pruneable } from '../../src/flows/prune.ts';
import { openHouse } from '../../src/index.ts';
import { withDockerd } from './dockerd.ts';
import { scratch } from './need.ts';
import { myself, said, start, type, type Person } from './person.ts';

const seed = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const home = scratch('faults', 3 * 2 ** 30);
const temporary = join(home, 'tmp');
const work = mkdtempSync(join(tmpdir(), 'repronim-faults-'));
/** A limit that no kernel enforces, and that every child inherits: by it, processes of ours are known. */
const mark = 2 ** 40 + process.pid * 4096;
const me: Person = markedPerson();
const random = generator(seed);
const ends: (() => Promise<void>)[] = [];

after(async () => {
  for (const end of ends) await end();
  rmSync(work, { recursive: true, force: true });
});

/** The victim's name; nobody else's container has it. */
const victim = `victim-${process.pid}`;
const house = openHouse({ env: me.env });

interface Killing {
  readonly count: number;
  readonly spec: string;
  /** Words after `create NAME SPEC`. */
  readonly options: readonly string[];
  /** Compared with itself from before; what of it is ours must be gone. */
  readonly also?: () => Promise<unknown>;
}

describe(`kill -9, seed ${seed}`, () => {
  before(async () => {
    mkdirSync(temporary);
    for (const word of ['anchor', 'victim']) {
      const typed = await type(me, ['trace', '-q', '-o', `${word}.yaml`, '--', 'echo', word], { directory: work });
      assert.equal(typed.status, 0, typed.stderr);
    }
  });

  test('while packages are fetched', async (t) => {
    await killAndLook(t, { count: 4, spec: 'victim', options: [] });
  });

  test('while a tree is laid from what is in the store', async (t) => {
    const anchor = await type(me, ['create', 'anchor', 'anchor.yaml'], { directory: work });
    assert.equal(anchor.status, 0, anchor.stderr);
    await killAndLook(t, { count: 30, spec: 'victim', options: [] });
  });

  const skip = process.getuid?.() === 0 ? false : 'only root may start a docker daemon';
  test('while docker makes an image and a container', { skip }, async (t) => {
    const address = await withDockerd({ after: (end) => ends.push(end) });
    const engine = await connectEngine(address);
    const options = ['-b', 'docker', '--set', `host=${address}`];
    await killAndLook(t, { count: 16, spec: 'anchor', options, also: async () => await oursOf(engine) });
  });
});

/** Kills so many creates, each at a moment of its own, and looks at what is left. */
async function killAndLook(t: TestContext, { count, spec, options, also }: Killing): Promise<void> {
  const words = ['create', victim, `${spec}.yaml`, ...options];
  // once undisturbed: what stays of it is what the store keeps
  const begun = performance.now();
  await createAgain(words, 'undisturbed');
  const whole = performance.now() - begun;
  await takeAway();
  const clean = listing();
  const others = await also?.();
  const phases = new Map<string, number>();
  for (let round = 0; round < count; round += 1) {
    const moment = Math.round(whole * random());
    const everybody = random() < 0.5;
    const phase = await killed(words, moment, everybody);
    phases.set(phase, (phases.get(phase) ?? 0) + 1);
    const about = `seed ${seed}, round ${round}, killed ${everybody ? 'with its children ' : ''}after ${moment} ms: ${phase}`;
    await assertNobody(about);
    assert.deepEqual(mountsOfOurs(), [], about);
    const said = await type(me, ['ls', '--json'], { directory: work });
    const listed = (JSON.parse(said.stdout) as { name: string }[]).map(({ name }) => name);
    assert.equal(listed.includes(victim), phase !== 'before anything', `${about}: ls shows it`);
    if (listed.includes(victim)) {
      const gone = await type(me, ['delete', victim, '--yes'], { directory: work });
      assert.equal(gone.status, 0, `${about}: ${gone.stderr}`);
    }
    assert.ok(!(await names()).includes(victim), `${about}: delete removes it`);
    await createAgain(words, about);
    await takeAway();
    await assertNobody(about);
    assert.deepEqual(listing(), clean, about);
    assert.deepEqual(await also?.(), others, about);
  }
  t.diagnostic(
    `undisturbed: ${(whole / 1000).toFixed(1)} s; killed: ${[...phases].map((pair) => pair.join(' ')).join(', ')}`,
  );
}

async function createAgain(words: readonly string[], about: string): Promise<void> {
  const typed = await type(me, words, { directory: work });
  assert.equal(typed.status, 0, `${about}: ${typed.stderr}`);
  assert.ok((await names()).includes(victim), about);
}

/** Takes the victim away, and what nobody uses then. */
async function takeAway(): Promise<void> {
  await remove(victim, house);
  await prune(await pruneable(house), house);
}

async function names(): Promise<string[]> {
  return (await listInstances(house)).map(({ name }) => name);
}

/** Starts it and kills it, alone or with all that it has started; how far it had come. */
async function killed(words: readonly string[], moment: number, everybody: boolean): Promise<string> {
  const child = start(me, words, { directory: work });
  const ended = said(child);
  await Promise.race([ended, sleep(moment)]);
  for (const pid of everybody ? ours() : [child.pid ?? 0]) kill(pid);
  await ended;
  return await phaseOf();
}

/** How far a create has come, as one sees it on the disk. */
async function phaseOf(): Promise<string> {
  const instance = await house.inventory.instances.find(victim);
  if (instance === undefined) return 'before anything';
  if (instance.status === 'made') return 'at the end';
  const trees = readdirSync(house.places.rootfs);
  if (trees.some((name) => name.endsWith('.new'))) return 'laying';
  const { image, facts } = instance.value ?? {};
  if (Object.keys(facts ?? {}).length > 0) return 'launching';
  if (image?.reference) return 'before the launch';
  const made = (await house.inventory.rootfs.list()).filter(({ status }) => status === 'made');
  return made.length === trees.length && trees.length > 0 ? 'making the image' : 'getting packages';
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}

/** Processes that are ours by their mark, and are still running. */
function ours(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
        if (!limits.includes(` ${mark} `)) return false;
        return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
      } catch {
        return false; // it has ended
      }
    })
    .map(Number);
}

async function assertNobody(about: string): Promise<void> {
  for (const since = performance.now(); ours().length > 0; await sleep(20)) {
    if (performance.now() - since < 10_000) continue;
    const left = ours().map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '));
    assert.fail(`${about}: still running: ${left.join('; ')}`);
  }
}

function mountsOfOurs(): string[] {
  const table = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return table.filter((line) => line.includes(home) || line.includes(work));
}

/** Everything below our home, but for what lies in trees and in the store by its digest. */
function listing(): string[] {
  const found: string[] = [];
  const walk = (folder: string) => {
    for (const name of readdirSync(folder).sort()) {
      const path = join(folder, name);
      const isFolder = lstatSync(path).isDirectory();
      const inside = relative(home, path);
      // folders that shelves and stores are made of stay, empty
      const isTree = inside.startsWith('data/rootfs/');
      if (!isFolder || isTree || inside.startsWith('tmp/')) found.push(inside);
      if (isFolder && !isTree) walk(path);
    }
  };
  walk(home);
  return found;
}

/** What a daemon has that a repronim made: our container, and images of trees (whosever they are). */
async function oursOf(engine: Engine): Promise<unknown> {
  const filters = { name: [`repronim-${victim}`] };
  const containers = await engine.call('GET', '/containers/json', {
    query: { all: 1, filters: JSON.stringify(filters) },
  });
  const wanted = [labels.lock, labels.part].map((label) => JSON.stringify({ label: [label] }));
  const images = await Promise.all(
    wanted.map(async (filter) => await engine.call('GET', '/images/json', { query: { all: 1, filters: filter } })),
  );
  const ids = (list: unknown) => (list as { Id: string }[]).map(({ Id }) => Id).sort();
  return { containers: ids(containers), images: images.map(ids) };
}

function markedPerson(): Person {
  const person = myself(home);
  return {
    ...person,
    as: ['/usr/bin/prlimit', `--rss=${mark}`, '--'],
    env: { ...person.env, TMPDIR: temporary, NODE_DISABLE_COMPILE_CACHE: '1' },
  };
}

/** Numbers from 0 to 1, the same for the same seed: xorshift32. */
function generator(from: number): () => number {
  let state = from || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
