/** `kill -9` of create at random moments: nothing is left that ls does not show, and delete and prune not take away. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';

import { atOnce } from './at-once.ts';
import { awkwardRoot } from './awkward-root.ts';
import { faultPlaces } from './fault-places.ts';
import { generator, killRounds } from './kill-rounds.ts';
import { openVictim, type Victim } from './victim.ts';

/** FAULTS=100: so many rounds over all backends, at moments that are new each time; TEST_SEED=N repeats them. */
const asked = process.env['FAULTS'];
const seed = Number(process.env['TEST_SEED'] ?? (asked === undefined ? 7 : Math.floor(Math.random() * 2 ** 31)));
const isRoot = process.getuid?.() === 0;
const rounds = Number(asked ?? 8);

interface Killing {
  readonly count: number;
  readonly spec: string;
  /** Words after `create NAME SPEC`. */
  readonly options?: readonly string[];
  /** What somebody else has of ours: the same before and afterwards. */
  readonly elsewhere?: () => Promise<unknown>;
}

describe(`kill -9, seed ${seed}`, { concurrency: 2 }, () => {
  test('while packages are got', async (t) => {
    using victim = openVictim('get');
    await traced(victim, ['victim']);
    await killAndLook(t, victim, { count: 2, spec: 'victim' });
  });

  test('while a tree is laid from what is in the store', async (t) => {
    using victim = openVictim('lay');
    await traced(victim, ['anchor', 'victim']);
    await anchored(victim);
    await killAndLook(t, victim, { count: 6, spec: 'victim' });
    // it is laid once, for whoever asks at the same moment, and not pruned beside that
    const names = ['one', 'two', 'three'].map((word) => `${victim.name}-${word}`);
    const [pruned, ...made] = await Promise.all([
      victim.types('prune', '--yes'),
      ...names.map(async (name) => await victim.types('create', name, 'victim.yaml')),
    ]);
    assert.equal(pruned?.status, 0, pruned?.stderr);
    for (const { status, stderr } of made) assert.equal(status, 0, stderr);
    for (const name of names) {
      const { stdout, stderr } = await victim.types('exec', name, '--', 'echo', 'works');
      assert.equal(stdout, 'works\n', stderr);
    }
  });
});

const places = Object.entries(faultPlaces);

describe(`kill -9 on every backend, seed ${seed}`, { concurrency: 2 }, () => {
  for (const [index, [name, open]] of places.entries()) {
    test(name, async (t) => {
      if (!isRoot) return t.skip('only root may start every engine');
      const place = await open(t);
      using victim = openVictim(name);
      const tree = await awkwardRoot();
      const { status, stderr } = await victim.types('image', 'import', `root:${tree}`, '-t', 'small');
      assert.equal(status, 0, stderr);
      const count = Math.ceil(rounds / places.length);
      const source = ['--image', 'small'];
      try {
        t.diagnostic(await killRounds(victim, { count, seed: seed + index, place, source }));
        await atOnce(victim, place, source);
      } finally {
        await victim.types('delete', victim.name, '--yes'); // where it has failed
        await victim.types('prune', '--yes');
      }
    });
  }
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
