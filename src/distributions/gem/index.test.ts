import assert from 'node:assert/strict';
import { test } from 'node:test';

import { testDistribution } from '../../../test/contract/distribution.ts';
import { contexts } from '../../../test/fakes/contexts.ts';
import { libraryPlace } from '../../../test/fakes/library-place.ts';
import { gem } from './index.ts';

/** As RubyGems 3.3 wrote it. */
const labuse = `# -*- encoding: utf-8 -*-
# stub: labuse 1.0.2 ruby lib

Gem::Specification.new do |s|
  s.name = "labuse".freeze
  s.version = "1.0.2"

  s.required_rubygems_version = Gem::Requirement.new(">= 0".freeze) if s.respond_to? :required_rubygems_version=
  s.require_paths = ["lib".freeze]
  s.authors = ["A".freeze]
  s.date = "2026-11-24"
  s.executables = ["labuse".freeze]
  s.files = ["bin/labuse".freeze, "lib/labuse.rb".freeze]
  s.rubygems_version = "3.3.15".freeze

  s.installed_by_version = "3.3.15" if s.respond_to? :installed_by_version

  if s.respond_to? :specification_version then
    s.specification_version = 4
  end

  if s.respond_to? :add_runtime_dependency then
    s.add_runtime_dependency(%q<labpad>.freeze, ["~> 0.3"])
  else
    s.add_dependency(%q<labpad>.freeze, ["~> 0.3"])
  end
end
`;
const labpad = labuse
  .replaceAll('labuse', 'labpad')
  .replaceAll('1.0.2', '0.3.1')
  .replaceAll(/^.*dependency\(.*\n/gm, '');
const top = '/home/u/.local/share/gem/ruby/3.1.0';
const mine = {
  [`${top}/gems/labuse-1.0.2/lib/labuse.rb`]: 'require "labpad"\n',
  [`${top}/specifications/labuse-1.0.2.gemspec`]: labuse,
  [`${top}/bin/labuse`]: '#!/usr/bin/ruby\n',
  [`${top}/extensions/x86_64-linux/3.1.0/labuse-1.0.2/gem.build_complete`]: '',
};
const unused = {
  [`${top}/gems/labpad-0.3.1/lib/labpad.rb`]: 'def pad(x) = x\n',
  [`${top}/specifications/labpad-0.3.1.gemspec`]: labpad,
};
const others = {
  [`${top}/cache/labuse-1.0.2.gem`]: 'archive',
  [`${top}/bin/own`]: '#!/bin/sh\n',
  '/home/u/study/gems/own/x.rb': '',
  '/usr/share/rubygems-integration/all/x.gemspec': '',
};

testDistribution({ distribution: gem, place: async (t) => libraryPlace(t, { ...mine, ...unused }, others) });

test('a gem brings what it depends on, and its commands', async (t) => {
  const { root } = libraryPlace(t, { ...mine, ...unused }, others);
  const context = contexts(t).tracing;
  const owned = await gem.claim(Object.keys(mine), root, context);
  const [first] = (await gem.describe(owned, root, context)).distributions;
  assert.deepEqual(first?.spec, { type: 'gem', path: top, packages: ['labuse@1.0.2'] });
  assert.deepEqual(
    first?.lock.packages.map(({ path, name, version }) => [path, name, version]),
    [
      ['labpad-0.3.1', 'labpad', '0.3.1'],
      ['labuse-1.0.2', 'labuse', '1.0.2'],
    ],
  );
  assert.equal(first?.lock.files, 6);
});
