import assert from 'node:assert/strict';
import { test } from 'node:test';

import { testDistribution } from '../../../test/contract/distribution.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { libraryPlace } from '../../../test/fakes/library-place.ts';
import { cargo } from './index.ts';

const registry = '/home/u/.cargo/registry';
const index = `${registry}/src/index.example.org-6f17d22bba15001f`;
const mine = {
  [`${index}/serde_json-1.0.108/src/lib.rs`]: '//! JSON\n',
  [`${index}/ring-0.17.0-alpha.1/Cargo.toml`]: '[package]\n',
};
const others = { [`${registry}/cache/x.crate`]: '', '/home/u/.cargo/bin/tool': '', '/home/u/study/src/lib.rs': '' };

testDistribution({ distribution: cargo, place: async (t) => libraryPlace(t, mine, others) });

test('crates by their folder', async (t) => {
  const { root } = libraryPlace(t, mine, others);
  const context = contexts(t).tracing;
  const owned = await cargo.claim(Object.keys(mine), root, context);
  const [first] = (await cargo.describe(owned, root, context)).distributions;
  assert.deepEqual(first?.spec.packages, ['ring@0.17.0-alpha.1', 'serde_json@1.0.108']);
});
