import assert from 'node:assert/strict';
import { test } from 'node:test';

import { testDistribution } from '../../../test/contract/distribution.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { libraryPlace } from '../../../test/fakes/library-place.ts';
import { julia } from './index.ts';

/** From JSON.jl 0.21.4. */
const project = `name = "JSON"
uuid = "682c06a0-de6a-54ab-a142-c8b1cf79cde6"
version = "0.21.4"

[deps]
Dates = "ade2ca70-3891-5945-98fb-dc099432e06a"

[compat]
julia = "0.7, 1.0"
`;
const depot = '/home/u/.julia';
const mine = {
  [`${depot}/packages/JSON/93Ea8/Project.toml`]: project,
  [`${depot}/packages/JSON/93Ea8/src/JSON.jl`]: 'module JSON end\n',
  [`${depot}/artifacts/0c6b27b6e4b1dc7c92b0ab1f5e2ad6a5c8c94d1e/lib/libx.so`]: 'ELF',
  [`${depot}/compiled/v1.10/JSON/x.ji`]: 'compiled',
  [`${depot}/environments/v1.10/Manifest.toml`]: 'manifest_format = "2.0"\n',
};
const others = {
  [`${depot}/juliaup/julia-1.10/bin/julia`]: '',
  [`${depot}/logs/repl_history.jl`]: '',
  '/home/u/study/packages/own/abcde/x.js': '',
};

testDistribution({ distribution: julia, place: async (t) => libraryPlace(t, mine, others) });

test('packages by name and version, artifacts by their hash', async (t) => {
  const { root } = libraryPlace(t, mine, others);
  const context = contexts(t).tracing;
  const [first] = (await julia.describe(await julia.claim(Object.keys(mine), root, context), root, context))
    .distributions;
  assert.deepEqual(first?.spec.packages, ['JSON@0.21.4', 'artifact@0c6b27b6e4b1dc7c92b0ab1f5e2ad6a5c8c94d1e']);
  assert.equal(first?.lock.files, 5);
});
