/** Rounds in which something that repronim does with a backend is killed at a random moment, and what is left is looked at. */
import assert from 'node:assert/strict';

import type { FaultPlace } from './fault-places.ts';
import { leftIn } from './fault-places.ts';
import type { Victim } from './victim.ts';

/** Numbers from 0 to 1, the same for the same seed: xorshift32. Seeds that are near each other begin far apart. */
export function generator(from: number): () => number {
  let state = Math.imul(from, 0x9e37_79b1) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const acts = ['create', 'exec', 'start', 'delete', 'prune'] as const;
type Act = (typeof acts)[number];

export interface Rounds {
  readonly count: number;
  readonly seed: number;
  readonly place: FaultPlace;
  /** Words that `create NAME` goes on with. */
  readonly source: readonly string[];
}

/** How often what was killed. Throws (AssertionError) at the first round after which something is not as it has to be. */
export async function killRounds(victim: Victim, { count, seed, place, source }: Rounds): Promise<string> {
  const random = generator(seed);
  const { name } = victim;
  const command = ['sh', '-c', 'echo begun; sleep 0.3; cat /etc/passwd'];
  const words: Readonly<Record<Act, readonly string[]>> = {
    create: ['create', name, ...source, ...place.options],
    exec: ['exec', name, '--', ...command],
    start: ['start', name],
    delete: ['delete', name, '--yes'],
    prune: ['prune', '--yes'],
  };
  const done = async (about: string, ...typed: readonly string[]) => {
    const said = await victim.types(...typed);
    assert.equal(said.status, 0, `${about}: ${typed.join(' ')}: ${said.stdout}${said.stderr}`);
    return said.stdout;
  };
  const listed = async (about: string) => (await done(about, 'ls', '--json')).includes(`"${name}"`);
  const elsewhere = async () => await place.elsewhere(name, await victim.trees());
  const works = async (about: string) =>
    assert.match(await done(about, ...words.exec), /^begun\n[^]*u:x:1000/, `${about}: it works`);
  /** Where what an engine itself had started was killed, too, it may be lost; then that is said, and what to do. */
  const worksOrSaysSo = async (about: string) => {
    const { status, stderr } = await victim.types(...words.exec);
    if (status !== 0) assert.match(stderr, new RegExp(`hint: .*repronim delete ${name}`), about);
  };
  const undisturbed: Partial<Record<Act, number>> = {};
  for (const act of acts) {
    const began = performance.now();
    await done('undisturbed', ...words[act]);
    undisturbed[act] = performance.now() - began;
  }
  const clean = victim.files();
  const others = await elsewhere();
  const isClean = async (about: string) => {
    assert.deepEqual(await victim.processes(), [], about);
    assert.deepEqual(await leftIn(victim.home), [], about);
    assert.deepEqual(victim.mounts(), [], about);
    assert.deepEqual(victim.files(), clean, about);
    assert.deepEqual(await elsewhere(), others, about);
  };
  const counted = new Map<string, number>();
  for (let round = 0; round < count; round += 1) {
    // every second one is a create: that is where most is made
    const act: Act = random() < 0.5 ? 'create' : (acts[Math.floor(random() * acts.length)] ?? 'create');
    if (act !== 'create') await done(`before round ${round}`, ...words.create);
    if (act === 'prune' || (act === 'delete' && random() < 0.5)) await done(`before round ${round}`, ...words.start);
    if (act === 'prune') await done(`before round ${round}`, ...words.delete);
    const moment = Math.round((undisturbed[act] ?? 0) * random());
    const everybody = random() < 0.5;
    // until it is on record, most of the time, programs are only being loaded
    const isLate = act === 'create' && random() < 0.75;
    const phase = isLate
      ? await victim.kills(words[act], moment / 2, everybody, 'the record')
      : await victim.kills(words[act], moment, everybody);
    const key = act === 'create' ? `create ${phase}` : act;
    counted.set(key, (counted.get(key) ?? 0) + 1);
    const who = everybody ? 'with its children ' : '';
    const about = `seed ${seed}, round ${round}, ${act} killed ${who}after ${isLate ? `the record and ${moment / 2}` : moment} ms (${phase})`;
    if (await listed(about)) {
      const again = await victim.types(...words.create);
      assert.notEqual(again.status, 0, `${about}: the name is taken`);
      assert.match(again.stderr, new RegExp(`hint: .*repronim delete ${name}`), about);
      if (act === 'exec' || act === 'start') await worksOrSaysSo(about);
      await done(about, ...words.delete);
      assert.ok(!(await listed(about)), `${about}: delete removes it`);
    }
    if (random() < 0.5) {
      await done(about, ...words.prune);
      await isClean(`${about}: nothing was made after that`);
    }
    await done(about, ...words.create);
    await works(about);
    await done(about, ...words.delete);
    await done(about, ...words.prune);
    await isClean(about);
  }
  return [...counted].map(([key, number]) => `${number} ${key}`).join(', ');
}
