/** `kill -9` of create at random moments: nothing is left that ls does not show, and delete and prune not take away. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';

import { dockerEngine } from '../../src/backends/docker/index.ts';
import { connectEngine, type Engine } from '../../src/toolkits/engine/client.ts';
import { labels } from '../../src/toolkits/engine/image.ts';
import { withDockerd } from './dockerd.ts';
import { openVictim, type Victim } from './victim.ts';

const seed = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const isRoot = process.getuid?.() === 0;

interface Killing {
  readonly count: number;
  readonly spec: string;
  /** Words after `create NAME SPEC`. */
  readonly options?: readonly string[];
  /** What somebody else has of ours: the same before and afterwards. */
  readonly elsewhere?: () => Promise<unknown>;
}

describe(`kill -9, seed ${seed}`, { concurrency: 2 }, () => {
  test('while packages are got, and while docker makes an image and a container', async (t) => {
    using victim = openVictim('docker');
    await traced(victim, ['anchor', 'victim']);
    await killAndLook(t, victim, { count: 8, spec: 'victim' });
    if (!isRoot) return t.skip('only root may start a docker daemon');
    await anchored(victim);
    const address = await withDockerd(t);
    const engine = await connectEngine(dockerEngine, address);
    const options = ['-b', 'docker', '--set', `host=${address}`];
    const trees = await victim.trees();
    const elsewhere = async () => await inEngine(engine, victim.name, trees);
    await killAndLook(t, victim, { count: 16, spec: 'anchor', options, elsewhere });
  });

  test('while a tree is laid from what is in the store', async (t) => {
    using victim = openVictim('lay');
    await traced(victim, ['anchor', 'victim']);
    await anchored(victim);
    await killAndLook(t, victim, { count: 26, spec: 'victim' });
  });
});

async function traced(victim: Victim, words: readonly string[]): Promise<void> {
  for (const word of words) {
    const { status, stderr } = await victim.types('trace', '-q', '-o', `${word}.yaml`, '--', 'echo', word);
    assert.equal(status, 0, stderr);
  }
}

/** Another instance keeps the packages in the store. */
async function anchored(victim: Victim): Promise<void> {
  const { status, stderr } = await victim.types('create', 'anchor', 'anchor.yaml');
  assert.equal(status, 0, stderr);
}

/** Kills so many creates, each at a moment of its own, and looks at what is left. */
async function killAndLook(t: TestContext, victim: Victim, killing: Killing): Promise<void> {
  const { count, spec, options = [], elsewhere = async () => undefined } = killing;
  const random = generator(seed);
  const words = ['create', victim.name, `${spec}.yaml`, ...options];
  const create = async (about: string) => {
    const { status, stderr } = await victim.types(...words);
    assert.equal(status, 0, `${about}: ${stderr}`);
    assert.ok(await victim.isThere(), about);
  };
  // once undisturbed: what stays of it is what the store keeps
  const begun = performance.now();
  await create('undisturbed');
  const whole = performance.now() - begun;
  await victim.takeAway();
  const clean = victim.files();
  const others = await elsewhere();
  const phases = new Map<string, number>();
  for (let round = 0; round < count; round += 1) {
    const moment = Math.round(whole * random());
    const everybody = random() < 0.5;
    const phase = await victim.kills(words, moment, everybody);
    phases.set(phase, (phases.get(phase) ?? 0) + 1);
    const who = everybody ? 'with its children ' : '';
    const about = `seed ${seed}, round ${round}, killed ${who}after ${moment} ms: ${phase}`;
    assert.deepEqual(await victim.processes(), [], about);
    assert.deepEqual(victim.mounts(), [], about);
    const listed = await victim.types('ls', '--json');
    assert.equal(listed.stdout.includes(`"${victim.name}"`), phase !== 'before anything', `${about}: ls shows it`);
    if (phase !== 'before anything') {
      const { status, stderr } = await victim.types('delete', victim.name, '--yes');
      assert.equal(status, 0, `${about}: ${stderr}`);
      assert.ok(!(await victim.isThere()), `${about}: delete removes it`);
    }
    await create(about);
    await victim.takeAway();
    assert.deepEqual(await victim.processes(), [], about);
    assert.deepEqual(victim.files(), clean, about);
    assert.deepEqual(await elsewhere(), others, about);
  }
  const list = [...phases].map(([phase, number]) => `${number} ${phase}`).join(', ');
  t.diagnostic(`undisturbed in ${(whole / 1000).toFixed(1)} s; killed ${list}`);
}

/** What an engine has of ours: the container, and images that are made of these trees or are on the way there. */
async function inEngine(engine: Engine, name: string, trees: readonly string[]): Promise<unknown> {
  const list = async (path: string, filters: Readonly<Record<string, readonly string[]>>) => {
    const found = await engine.call('GET', path, { query: { all: 1, filters: JSON.stringify(filters) } });
    return (found as { Id: string }[]).map(({ Id }) => Id).sort();
  };
  const made = trees.flatMap((digest) => [`${labels.lock}=sha256:${digest}`, `${labels.part}=sha256:${digest}`]);
  return {
    containers: await list('/containers/json', { name: [`repronim-${name}`] }),
    images: await Promise.all(made.map(async (label) => await list('/images/json', { label: [label] }))),
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
