import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { AptOrigin } from '../spec.ts';
import { parsePreferences, pinMeans } from './preferences.ts';

const neuro: AptOrigin = {
  source: 'neurodebian',
  uri: 'http://neuro.example:8080/debian',
  dist: 'bookworm',
  component: 'main',
  origin: 'NeuroDebian',
  label: 'NeuroDebian',
  suite: 'bookworm',
  codename: 'bookworm',
  version: '12.1',
};

test('stanzas, comments, several names, and what is none', () => {
  const pins = parsePreferences(`# why
Explanation: ours first
Package: *
Pin: release o=NeuroDebian, n=bookworm
Pin-Priority: 600

Package: firefox*
 thunderbird
Pin: version 1.2*
Pin-Priority: -10

Package: broken
Pin: release a=x
Pin-Priority: many
`);
  assert.deepEqual(pins, [
    { packages: '*', pin: 'release o=NeuroDebian, n=bookworm', priority: 600 },
    { packages: 'firefox* thunderbird', pin: 'version 1.2*', priority: -10 },
  ]);
});

test('which indices a general pin means', () => {
  for (const pin of [
    'release o=NeuroDebian, n=bookworm',
    'release l=Neuro*',
    'origin "neuro.example"',
    'release bookworm',
  ]) {
    assert.equal(pinMeans(pin, neuro), true, pin);
  }
  for (const pin of [
    'release o=NeuroDebian, n=trixie',
    'release /Neuro/',
    'origin ""',
    'version 1',
    'release b=amd64',
  ]) {
    assert.equal(pinMeans(pin, neuro), false, pin);
  }
});
