import assert from 'node:assert/strict';
import { test } from 'node:test';

import { testDistribution } from '../../../test/contract/distribution.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { libraryPlace } from '../../../test/fakes/library-place.ts';
import { go } from './index.ts';

const cache = '/home/u/go/pkg/mod';
const mine = {
  [`${cache}/github.com/!burnt!sushi/toml@v1.3.2/decode.go`]: 'package toml\n',
  [`${cache}/golang.org/x/text@v0.14.0/doc.go`]: 'package text\n',
  [`${cache}/cache/download/golang.org/x/text/@v/v0.14.0.mod`]: 'module golang.org/x/text\n',
};
const others = { '/home/u/go/src/own/main.go': '', '/home/u/go/bin/tool': '', '/home/u/study/pkg/mod.go': '' };

testDistribution({ distribution: go, place: async (t) => libraryPlace(t, mine, others) });

test('modules are named as a program imports them', async (t) => {
  const { root } = libraryPlace(t, mine, others);
  const context = contexts(t).tracing;
  const [first] = (await go.describe(await go.claim(Object.keys(mine), root, context), root, context)).distributions;
  assert.deepEqual(first?.spec.packages, ['github.com/BurntSushi/toml@v1.3.2', 'golang.org/x/text@v0.14.0']);
});
