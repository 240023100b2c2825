import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import * as v from 'valibot';

import type { Distribution, Owner, Ran, Root, TraceContext } from '../../src/contract/index.ts';
import {
  byBytes,
  canonicalJson,
  digestOf,
  type ContentRef,
  type DistributionLock,
  type DistributionSpec,
} from '../../src/model/index.ts';
import { contexts } from '../fakes/contexts.ts';

export interface Place {
  /** A root that has one of it. */
  readonly root: Root;
  /** Paths that are its, canonical. */
  readonly mine: readonly string[];
  /** Paths that are not, some of them near. */
  readonly others: readonly string[];
  /** A root that has none of it. */
  readonly empty: Root;
  /** The run that tells of it, for what no path tells; the same each time. */
  readonly ran?: Ran;
  /** The same root with its database broken in one place; what is left must still be found. */
  readonly broken?: { readonly root: Root; readonly mine: readonly string[] };
}

export interface DistributionUnderTest<S extends DistributionSpec, L extends DistributionLock> {
  readonly distribution: Distribution<S, L>;
  place(t: TestContext): Promise<Place>;
  /** Why it can't be tested here. */
  skip?(): Promise<string | undefined>;
}

/** The laws that every distribution keeps; called from its own test. */
export function testDistribution<S extends DistributionSpec, L extends DistributionLock>(
  under: DistributionUnderTest<S, L>,
): void {
  const { distribution } = under;
  const law = (name: string, body: (place: Place, tracing: TraceContext) => Promise<void>) =>
    void test(`${distribution.type}: ${name}`, async (t) => {
      const why = await under.skip?.();
      if (why !== undefined) return t.skip(why);
      const place = await under.place(t);
      await body(place, { ...contexts(t).tracing, ...(place.ran === undefined ? {} : { ran: place.ran }) });
    });
  const claimed = ({ root, mine, others }: Place, context: TraceContext) =>
    distribution.claim([...mine, ...others].toSorted(byBytes), root, context);
  const described = async (place: Place, context: TraceContext) => {
    const answer = await distribution.describe(await claimed(place, context), place.root, context);
    const [first] = answer.distributions;
    assert.ok(first, 'nothing is described');
    // the flow binds the lock to what stands above
    const lock = { of: digestOf(first.spec), ...first.lock } as unknown as L;
    return { answer, spec: first.spec, lock };
  };

  law('claims what is its, and nothing else', async (place, context) => {
    const owners = await claimed(place, context);
    assert.deepEqual([...owners.keys()].toSorted(byBytes), place.mine.toSorted(byBytes));
    for (const [path, found] of owners) {
      assert.ok(found.length > 0, path);
      assert.ok(found.every(({ key }) => key !== ''));
      assert.deepEqual(keysOf(found), keysOf(found).toSorted(byBytes), `owners of ${path} are sorted`);
    }
  });

  law('claims nothing where it is not, and says so without an error', async (place, tracing) => {
    const context: { -readonly [key in keyof TraceContext]: TraceContext[key] } = { ...tracing };
    delete context.ran;
    const owners = await distribution.claim([...place.mine, ...place.others], place.empty, context);
    assert.equal(owners.size, 0);
    const answer = await distribution.describe(owners, place.empty, context);
    assert.deepEqual(answer.distributions, []);
  });

  law('describes the same twice, to the byte, in whatever order it is asked', async (place, context) => {
    const owners = await claimed(place, context);
    const once = await distribution.describe(owners, place.root, context);
    const reversed = new Map([...owners].reverse());
    const twice = await distribution.describe(reversed, place.root, context);
    assert.equal(canonicalJson(twice), canonicalJson(once));
    assert.equal(JSON.stringify(twice), JSON.stringify(once), 'keys and lists come in one order');
  });

  law('has schemas that accept what it describes, and change nothing of it', async (place, context) => {
    const { answer } = await described(place, context);
    for (const one of answer.distributions) {
      assert.notEqual(one.summary, '');
      assert.deepEqual(v.parse(distribution.schema, one.spec), one.spec);
      const lock = { of: digestOf(one.spec), ...one.lock };
      assert.deepEqual(v.parse(distribution.lockSchema, lock), lock);
      // as it comes back from a file
      assert.deepEqual(v.parse(distribution.schema, JSON.parse(JSON.stringify(one.spec))), one.spec);
    }
  });

  law('refuses a spec of another type', async () => {
    assert.equal(v.safeParse(distribution.schema, { type: `${distribution.type}x` }).success, false);
    assert.equal(v.safeParse(distribution.schema, { type: distribution.type, id: '../../etc' }).success, false);
  });

  law('names contents that its lock names, and keeps those that a bundle must carry', async (place, context) => {
    const { spec, lock } = await described(place, context);
    const { kept, archived } = distribution.contents(spec, lock);
    const text = JSON.stringify(lock);
    for (const { sha256, size } of [...kept, ...archived]) {
      assert.match(sha256, /^[0-9a-f]{64}$/);
      assert.ok(Number.isSafeInteger(size) && size >= 0);
      assert.ok(text.includes(sha256), `${sha256} is in the lock`);
    }
    for (const ref of kept) assert.ok(await isStored(ref, context), `${ref.sha256} is in the store`);
  });

  law('plans purely: the same steps each time, each with its reason, none out of the root', async (place, context) => {
    const { spec, lock } = await described(place, context);
    const before = JSON.stringify([spec, lock]);
    const steps = distribution.plan(spec, lock, {});
    assert.deepEqual(distribution.plan(spec, lock, {}), steps);
    assert.equal(JSON.stringify([spec, lock]), before);
    for (const step of steps) {
      assert.notEqual(step.because, '');
      if ('path' in step) assert.match(step.path, /^\/(?!.*\/\.\.(?:\/|$))/);
      if (step.do === 'run') assert.ok(step.argv.every((word) => typeof word === 'string'));
    }
  });

  law('sees the same packages in its spec and in the root', async (place, context) => {
    const { spec, lock } = await described(place, context);
    const locked = distribution.packages(spec, lock);
    const seen = await distribution.observe(spec, place.root, context);
    const versions = new Map(seen.packages.map(({ key, version }) => [key, version]));
    assert.equal(new Set(locked.map(({ key }) => key)).size, locked.length, 'one key a package');
    for (const { key, version } of locked) assert.equal(versions.get(key), version, key);
    assert.ok(distribution.packages(spec).length <= locked.length);
  });

  law('finds nothing wrong with what it has just described', async (place, context) => {
    if (distribution.check === undefined) return;
    const { spec, lock } = await described(place, context);
    const { differing } = await distribution.check(spec, lock, place.root, context);
    assert.deepEqual(
      differing.filter(({ kind }) => kind !== 'unknown'),
      [],
    );
  });

  law('says why, of each path that is volatile', async (place, context) => {
    const { spec } = await described(place, context);
    for (const { pattern, because } of distribution.volatile?.(spec) ?? []) {
      assert.match(pattern, /^\//);
      assert.notEqual(because, '');
    }
  });

  law('loses one entry of a broken database, not the rest', async ({ broken }, context) => {
    if (broken === undefined) return;
    const owners = await distribution.claim(broken.mine, broken.root, context);
    assert.deepEqual([...owners.keys()].toSorted(byBytes), broken.mine.toSorted(byBytes));
    const answer = await distribution.describe(owners, broken.root, context);
    assert.equal(answer.distributions.length > 0, true);
    assert.ok(
      answer.notes.some(({ kind }) => kind === 'unreadable'),
      'a note says what could not be read',
    );
  });
}

function keysOf(owners: readonly Owner[]): string[] {
  return owners.map(({ key }) => key);
}

async function isStored({ sha256 }: ContentRef, { store }: TraceContext): Promise<boolean> {
  return (await store.find(sha256)) !== undefined;
}
