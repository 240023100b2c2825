/** Several repronims that want the same at the same moment. */
import assert from 'node:assert/strict';

import type { FaultPlace } from './fault-places.ts';
import type { Said } from './person.ts';
import type { Victim } from './victim.ts';

/** Throws (AssertionError) where they get into each other's way. `source`: words that `create NAME` goes on with. */
export async function atOnce(victim: Victim, place: FaultPlace, source: readonly string[]): Promise<void> {
  const { name } = victim;
  const create = async (as: string) => await victim.types('create', as, ...source, ...place.options);
  const works = async (as: string) => {
    const { status, stdout, stderr } = await victim.types('exec', as, '--', 'cat', '/etc/passwd');
    assert.match(stdout, /^u:x:1000/m, `${as} works: ${status} ${stderr}`);
  };
  const delayed = async (milliseconds: number, ...words: readonly string[]) => {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    return await victim.types(...words);
  };

  // one name: one has it, the other says so; nobody is pruned meanwhile
  const [one, two, ...prunes] = await Promise.all([
    create(name),
    create(name),
    ...[0, 300].map(async (wait) => await delayed(wait, 'prune', '--yes')),
  ]);
  assert.deepEqual(
    [one, two].map(({ status }) => status).toSorted((a, b) => a - b),
    [0, 1],
    told(one, two),
  );
  const { stderr } = one.status === 0 ? two : one;
  assert.match(stderr, /^error: (?:there is an instance \S+ already|instance \S+ is in the hands of another)/m);
  assert.match(stderr, /^hint: /m);
  for (const pruned of prunes) assert.equal(pruned.status, 0, told(pruned));
  await works(name);

  // a delete beside programs that run in it, and beside others that are made of the same
  const running = victim.types('exec', name, '--', 'sleep', '60');
  const others = [`${name}-a`, `${name}-b`];
  const [removed, again, ...made] = await Promise.all([
    delayed(800, 'delete', name, '--yes'),
    delayed(850, 'delete', name, '--yes'),
    ...others.map(create),
  ]);
  assert.deepEqual(
    made.map(({ status }) => status),
    [0, 0],
    told(...made),
  );
  // the second one comes too late, or finds it in the hands of the first
  assert.equal(Math.min(removed.status, again.status), 0, told(removed, again));
  for (const said of [removed, again]) assert.doesNotMatch(said.stderr, /bug of repronim/);
  const ended = await running;
  assert.notEqual(ended.status, 0);
  assert.doesNotMatch(ended.stderr, /bug of repronim/);
  await Promise.all(others.map(works));
  await Promise.all(others.map(async (other) => await victim.types('delete', other, '--yes')));
  const [first, second] = await Promise.all([victim.types('prune', '--yes'), victim.types('prune', '--yes')]);
  assert.deepEqual([first.status, second.status], [0, 0], told(first, second));
}

function told(...all: readonly Said[]): string {
  return all.map(({ status, stdout, stderr }) => `${status}: ${stdout}${stderr}`).join('\n---\n');
}
