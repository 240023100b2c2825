/** Libraries of users: R, RubyGems and CPAN, installed by their own installers, named, and there again on chroot. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';

import { parse } from 'yaml';

import type { Spec } from '../../src/model/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { need, scratch } from './need.ts';
import { myself, type } from './person.ts';

const state = scratch('libraries');
// neither below /dev nor /tmp: where people work
const place = mkdtempSync('/srv/repronim-libraries-');
const at = (path: string) => join(place, path);
const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', HOME: at('home') };
const person = myself(join(state, 'home'));
const me = { ...person, env: { ...person.env, ...env } };
const types = async (...words: string[]) => await type(me, words, { directory: at('study') });
const run = async (directory: string, ...argv: [string, ...string[]]) =>
  (await runProcess(argv, { env, cwd: at(directory) })).stdout.toString();

const gemspec = (name: string, more: string) =>
  `Gem::Specification.new do |s|
  s.name, s.version, s.summary, s.authors = "${name}", "0.3.1", "lab", ["lab"]
  s.files = ["lib/${name}.rb"]
  ${more}
end
`;
const files: Readonly<Record<string, string>> = {
  'home/': '',
  'gem/labpad/labpad.gemspec': gemspec('labpad', ''),
  'gem/labpad/lib/labpad.rb': 'def pad(x) = " #{x}"\n',
  'gem/labuse/labuse.gemspec': gemspec('labuse', 's.add_runtime_dependency "labpad", "~> 0.3"'),
  'gem/labuse/lib/labuse.rb': 'require "labpad"\n',
  'perl/Makefile.PL':
    "use ExtUtils::MakeMaker;\nWriteMakefile(NAME => 'Lab::Pad', VERSION_FROM => 'lib/Lab/Pad.pm');\n",
  'perl/lib/Lab/Pad.pm': "package Lab::Pad;\nour $VERSION = '0.31';\nsub pad { ' ' . shift }\n1;\n",
  'R/labpad/DESCRIPTION':
    'Package: labpad\nTitle: Pads\nVersion: 0.3-1\nAuthor: lab\nMaintainer: lab <lab@example.org>\nDescription: Pads.\nLicense: GPL-3\n',
  'R/labpad/NAMESPACE': 'export(pad)\n',
  'R/labpad/R/pad.R': 'pad <- function(x) paste0(" ", x)\n',
  'study/use.rb': 'require "labuse"\nFile.write("ruby.txt", pad("x"))\n',
  'study/use.pl': 'use Lab::Pad;\nopen my $f, ">", "perl.txt"; print $f Lab::Pad::pad("x");\n',
  'study/use.R': 'library(labpad)\ncat(pad("x"), file = "R.txt")\n',
};

before(async () => {
  await need('ruby', 'perl', 'make');
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(path.endsWith('/') ? at(path) : dirname(at(path)), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(at(path), content);
  }
});
after(async () => {
  await types('delete', '--yes', '--all').catch(() => {});
  rmSync(place, { recursive: true, force: true });
});

interface Named {
  readonly type: string;
  readonly base?: string;
  readonly path?: string;
  readonly packages?: readonly string[];
}

async function reproduced(name: string, kinds: readonly string[], ...command: readonly string[]) {
  const file = join(state, `${name}.repronim`);
  const said = await types('reproduce', '--backend', 'chroot', '--name', name, '-o', file, '--', ...command);
  assert.equal(said.status, 0, said.stdout + said.stderr);
  const shown = await runProcess(['tar', '--zstd', '-xOf', file, 'repronim.yaml'], { env });
  const { distributions } = parse(shown.stdout.toString()) as Spec;
  return (distributions as unknown as readonly Named[])
    .filter((one) => kinds.includes(one.type))
    .map(({ type: kind, base, path, packages }) => [kind, base, path, packages]);
}

test('gems and modules of CPAN', async () => {
  for (const name of ['labpad', 'labuse']) {
    await run(`gem/${name}`, 'gem', 'build', '--quiet', `${name}.gemspec`);
    const into = ['--local', '--ignore-dependencies', '--no-document', '--install-dir', at('gems')] as const;
    await run(`gem/${name}`, 'gem', 'install', '--quiet', ...into, `${name}-0.3.1.gem`);
  }
  await run('perl', 'perl', 'Makefile.PL', `INSTALL_BASE=${at('perl5')}`);
  await run('perl', 'make', 'install');
  writeFileSync(
    at('study/run'),
    `#!/bin/sh -e\nGEM_PATH=${at('gems')} ruby use.rb\nPERL5LIB=${at('perl5/lib/perl5')} perl use.pl\n`,
    { mode: 0o755 },
  );
  assert.deepEqual(await reproduced('both', ['gem', 'cpan'], './run'), [
    ['gem', 'debian', at('gems'), ['labpad@0.3.1', 'labuse@0.3.1']],
    ['cpan', 'debian', at('perl5'), ['Lab::Pad@0.31']],
  ]);
  assert.equal(readFileSync(at('study/ruby.txt'), 'utf8') + readFileSync(at('study/perl.txt'), 'utf8'), ' x x');
  const planted = `echo '# planted' >>${at('gems/gems/labpad-0.3.1/lib/labpad.rb')}; touch ${at('gems/gems/labuse-0.3.1/more')}; rm ${at('perl5/lib/perl5/Lab/Pad.pm')}`;
  assert.equal((await types('exec', 'both', '--', 'sh', '-c', planted)).status, 0);
  const { status, stdout } = await types('verify', '--json', 'both');
  assert.equal(status, 3);
  const { levels } = JSON.parse(stdout) as {
    levels: { contents: { differing: readonly { path: string; kind: string }[] } };
  };
  assert.deepEqual(
    levels.contents.differing.map(({ path, kind }) => [path, kind]),
    [
      [at('gems/gems/labpad-0.3.1/lib/labpad.rb'), 'changed'],
      [at('gems/gems/labuse-0.3.1/more'), 'unknown'],
      [at('perl5/lib/perl5/Lab/Pad.pm'), 'missing'],
    ],
  );
});

test('a library of R', async (t) => {
  if (!existsSync('/usr/bin/R')) return t.skip('R is not installed here, and is large');
  mkdirSync(at('library'));
  await run('R', 'R', 'CMD', 'INSTALL', `--library=${at('library')}`, '--no-docs', 'labpad');
  writeFileSync(at('study/run-r'), `#!/bin/sh -e\nR_LIBS=${at('library')} Rscript use.R\n`, { mode: 0o755 });
  assert.deepEqual(await reproduced('r', ['r'], './run-r'), [['r', 'debian', at('library'), ['labpad@0.3-1']]]);
  assert.equal(readFileSync(at('study/R.txt'), 'utf8'), ' x');
});
