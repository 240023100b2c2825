/** Loose specs against signed repositories of our own on the loopback, and against this machine's own archive. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';

import type { CreateContext } from '../../src/contract/index.ts';
import { debian } from '../../src/distributions/debian/index.ts';
import { ubuntu } from '../../src/distributions/ubuntu/index.ts';
import { UserError } from '../../src/model/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { parseParagraphs } from '../../src/toolkits/apt/deb822.ts';
import type { AptLock, AptSpec } from '../../src/toolkits/apt/spec.ts';
import { contexts } from '../fakes/contexts.ts';
import { serve, type Served } from '../fakes/serve.ts';
import { commandIn } from './command.ts';
import { mirror, need, scratch } from './need.ts';
import { makeDeb, makeKey, publish, publishIndex, type SigningKey } from './repository.ts';

const directory = scratch('solve');
const archive = join(directory, 'archive');
let key: SigningKey;
let served: Served;

before(async () => {
  await need('gpg', 'gpg-agent', 'gpgconf', 'gpgv');
  key = await makeKey(join(directory, 'k'), 'archive');
  mkdirSync(archive);
  served = await serve(archive);
});
after(async () => {
  await served[Symbol.asyncDispose]();
  await key[Symbol.asyncDispose]();
});

/** A paragraph of an index; the package itself is nowhere. */
function offer(name: string, version: string, fields: Readonly<Record<string, string>> = {}): string {
  const own = { Package: name, Version: version, Architecture: 'amd64', Priority: 'optional', ...fields };
  const file = { Filename: `pool/${name}_${version}.deb`, Size: '1000', SHA256: digest(`${name} ${version}`) };
  return Object.entries({ ...own, ...file })
    .map(([field, value]) => `${field}: ${value}\n`)
    .join('');
}

const digest = (text: string) => Buffer.from(text.padEnd(32, '.')).toString('hex').slice(0, 64);
const base = [
  offer('base-files', '12', { Essential: 'yes', Priority: 'required' }),
  offer('apt', '2.6', { Depends: 'libc6' }),
  offer('libc6', '2.36'),
  offer('tzdata', '2026a', { Priority: 'required' }),
];

let number = 0;

/** A suite of these paragraphs on top of the base, and a spec that asks it. */
async function asked(paragraphs: readonly string[], packages: readonly string[]) {
  const suite = `s${(number += 1)}`;
  const republish = async (now: readonly string[]) => {
    const fields = { Origin: 'Test', Label: 'Test', Codename: suite };
    await publishIndex(archive, { suite, fields, key, date: new Date(0) }, [...base, ...now]);
  };
  await republish(paragraphs);
  const source = { name: 'test', uri: served.url, suites: [suite], 'signed-by': key.fingerprint };
  const spec: AptSpec = { type: 'debian', release: suite, architecture: 'amd64', sources: [source], packages };
  return { spec, source, suite, republish };
}

const contextOf = (t: TestContext): CreateContext => {
  const { creating } = contexts(t, { keyrings: key.file });
  return creating;
};
const resolve = async (
  spec: AptSpec,
  context: CreateContext,
  held?: Omit<AptLock, 'of'>,
  renew: true | string[] = [],
): Promise<AptLock> => {
  const lock = await debian.resolve?.(spec, held as AptLock | undefined, context, renew);
  return { of: 'sha256:', ...(lock as Omit<AptLock, 'of'>) };
};
const versions = ({ packages }: AptLock) => packages.map(({ name, version }) => `${name} ${version}`);
const refusal = async (work: Promise<unknown>): Promise<{ text: string; error: UserError }> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof UserError, String(error));
  return { error, text: [error.message, ...error.details].join('\n') };
};

test('the base, what is listed and what that needs; recommended only where it is asked for', async (t) => {
  const offers = [
    offer('tool', '1', { Depends: 'helper', Recommends: 'extra', Source: 'tools (0.9)' }),
    offer('tool', '0.5'),
    offer('helper', '1'),
    offer('extra', '1'),
    offer('other', '1'),
  ];
  const { spec, suite } = await asked(offers, ['tool']);
  const context = contextOf(t);
  const lock = await resolve(spec, context);
  const all = ['apt 2.6', 'base-files 12', 'helper 1', 'libc6 2.36', 'tool 1', 'tzdata 2026a'];
  assert.deepEqual(versions(lock), all);
  const { why, ...tool } = lock.packages.find(({ name }) => name === 'tool') ?? { why: undefined };
  assert.equal(why, 'manual');
  assert.deepEqual(tool, {
    name: 'tool',
    version: '1',
    architecture: 'amd64',
    source: 'tools',
    'source-version': '0.9',
    from: `test/${suite}/main`,
    path: 'pool/tool_1.deb',
    size: 1000,
    sha256: digest('tool 1'),
    manual: true,
    offered: [{ version: '0.5', from: `test/${suite}/main` }],
  });
  assert.deepEqual(
    lock.packages.map((one) => one.why),
    ['essential', 'essential', 'required', 'required', 'manual', 'essential'],
  );
  assert.deepEqual(lock.origins?.[`test/${suite}/main`]?.['signed-by'], key.fingerprint);
  assert.ok(await context.store.find(lock.keys?.[key.fingerprint]?.sha256 ?? ''));
  assert.deepEqual(await resolve(spec, contextOf(t)), lock, 'the same again, elsewhere');
  assert.ok(versions(await resolve({ ...spec, recommends: true }, context)).includes('extra 1'));
});

test('versions that are asked for, and pins', async (t) => {
  const offers = ['3', '2', '1'].map((version) => offer('tool', version));
  const { spec, source } = await asked(offers, []);
  const context = contextOf(t);
  const toolFor = async (wish: string, more: Partial<AptSpec> = {}) => {
    const lock = await resolve({ ...spec, packages: [wish], ...more }, context);
    return lock.packages.find(({ name }) => name === 'tool')?.version;
  };
  assert.equal(await toolFor('tool'), '3');
  assert.equal(await toolFor('tool=1'), '1');
  assert.equal(await toolFor('tool>=2'), '3');
  assert.equal(await toolFor('tool<<3'), '2');
  assert.equal(await toolFor('tool<=1'), '1');
  const pins = [{ packages: 'tool', pin: 'version 2*', priority: 900 }];
  assert.equal(await toolFor('tool', { pins }), '2');
  assert.equal(await toolFor('tool>=1', { pins }), '2', 'what apt would take, where it fits');
  const second = await asked([offer('tool', '0.9')], []);
  const sources = [source, { ...second.source, name: 'second', priority: 600 }];
  assert.equal(await toolFor('tool', { sources }), '0.9', 'one priority, though both have one label');
  const { preferences } = await resolve({ ...spec, packages: ['tool'], sources }, context);
  assert.deepEqual(preferences, [{ packages: '*', pin: `release l=Test,n=${second.suite}`, priority: 600 }]);
});

test('what is held and still satisfies stays, until it is renewed', async (t) => {
  const old = [offer('tool', '1', { Depends: 'helper' }), offer('helper', '1'), offer('alone', '1')];
  const young = [offer('tool', '2', { Depends: 'helper (>= 2)' }), offer('helper', '2'), offer('alone', '2')];
  const { spec, republish } = await asked(old, ['tool', 'alone']);
  const context = contextOf(t);
  const held = await resolve(spec, context);
  await republish([...old, ...young]);
  assert.deepEqual(versions(await resolve(spec, context, held)), versions(held));
  const named = versions(await resolve(spec, context, held, ['alone']));
  assert.ok(named.includes('alone 2') && named.includes('tool 1') && named.includes('helper 1'), named.join());
  const all = versions(await resolve(spec, context, held, true));
  assert.ok(all.includes('alone 2') && all.includes('tool 2') && all.includes('helper 2'), all.join());
  // the helper has to move for it; what is alone does not
  const moved = versions(await resolve({ ...spec, packages: ['tool>=2', 'alone'] }, context, held));
  assert.ok(moved.includes('alone 1') && moved.includes('tool 2') && moved.includes('helper 2'), moved.join());
  const pulled = offer('puller', '1', { Depends: 'tool (>= 2)' });
  await republish([...old, ...young, pulled]);
  const by = versions(await resolve({ ...spec, packages: ['tool', 'alone', 'puller'] }, context, held));
  assert.ok(by.includes('alone 1') && by.includes('tool 2') && by.includes('helper 2'), by.join());
  const fewer = versions(await resolve({ ...spec, packages: ['alone'] }, context, held));
  assert.ok(!fewer.includes('tool 1') && !fewer.includes('helper 1'), fewer.join());
});

test('of alternatives, the one that is held stays', async (t) => {
  const offers = [
    offer('tool', '1', { Depends: 'first | second, mta' }),
    offer('first', '1'),
    offer('second', '1'),
    offer('large', '1', { Provides: 'mta' }),
    offer('small', '1', { Provides: 'mta' }),
    offer('other', '1'),
  ];
  const { spec } = await asked(offers, ['tool']);
  const context = contextOf(t);
  const held = await resolve({ ...spec, packages: ['tool', 'second', 'small'] }, context);
  assert.ok(!versions(held).includes('first 1') && !versions(held).includes('large 1'), versions(held).join());
  const more = versions(await resolve({ ...spec, packages: ['other', 'tool'] }, context, held));
  assert.deepEqual(more, [...versions(held), 'other 1'].sort());
});

test('a held version that no list has any more stays where it can be had, and moves where it can not', async (t) => {
  const made = join(directory, 'made');
  const deb = await makeDeb(made, { name: 'tool', version: '1', fields: { Depends: 'helper', Architecture: 'amd64' } });
  const suite = 'gone';
  const fields = { Origin: 'Test', Label: 'Test', Codename: suite };
  await publish(archive, { suite, fields, key, debs: [deb] });
  const paragraph = readFileSync(join(archive, 'dists', suite, 'main/binary-amd64/Packages'), 'utf8');
  const { spec, republish } = await asked([paragraph, offer('helper', '1')], ['tool']);
  const context = contextOf(t);
  const held = await resolve(spec, context);
  assert.ok(versions(held).includes('tool 1'));
  await republish([offer('tool', '2'), offer('helper', '1')]);
  assert.ok(versions(await resolve(spec, context, held)).includes('tool 2'), 'nobody has it');
  await context.store.addFile(deb);
  const kept = await resolve(spec, context, held);
  assert.ok(versions(kept).includes('tool 1') && versions(kept).includes('helper 1'), versions(kept).join());
  const tool = kept.packages.find(({ name }) => name === 'tool');
  assert.equal(tool?.sha256, held.packages.find(({ name }) => name === 'tool')?.sha256);
  assert.ok(tool?.from !== undefined && kept.origins?.[tool.from] !== undefined, 'where it came from is still said');
});

test('what can not be had is said all at once, with what was probably meant', async (t) => {
  const offers = [
    offer('dcm2niix', '1'),
    offer('mawk', '1', { Provides: 'awk' }),
    offer('gawk', '1', { Provides: 'awk (= 2)' }),
    offer('postfix', '1', { Conflicts: 'exim' }),
    offer('exim', '1', { Depends: 'nothing-here (>= 3)' }),
  ];
  const { spec, suite } = await asked(offers, ['dcm2nix', 'awk', 'mawk=2', 'mawk>=9', 'gawk:i386']);
  const context = contextOf(t);
  const { error, text } = await refusal(resolve(spec, context));
  assert.equal(error.status, 2);
  assert.deepEqual(text.split('\n'), [
    `no package dcm2nix in ${suite}; did you mean dcm2niix?`,
    'awk is not one package but what several provide; name one of them: gawk, mawk',
    'no version 2 of mawk; there is 1 (the snapshot services have older ones: add such a source)',
    'no version >= 9 of mawk; there is 1 (the snapshot services have older ones: add such a source)',
    `package gawk is not for i386 in ${suite}, but for amd64`,
  ]);
  const apart = await refusal(resolve({ ...spec, packages: ['postfix', 'exim'] }, context));
  assert.equal(apart.error.status, 2);
  assert.match(apart.text, /^these packages cannot be installed together\n/);
  assert.match(apart.text, /exim needs nothing-here >= 3, which no source has/);
});

test('Ubuntu, from the mirror that the configuration names; what it does not say and is not there is left out', async (t) => {
  const packages = [...base, offer('tool', '1ubuntu1')];
  for (const suite of ['noble', 'noble-updates']) {
    const fields = { Origin: 'Ubuntu', Label: 'Ubuntu', Codename: 'noble' };
    await publishIndex(archive, { suite, fields, key }, suite === 'noble' ? packages : [offer('tool', '1ubuntu2')]);
  }
  const context = contextOf(t);
  const tables: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    apt: { keyrings: key.file },
    ubuntu: { mirror: served.url },
  };
  const configured = { ...context, settings: (name: string) => tables[name] ?? {} };
  const spec = { type: 'ubuntu', release: 'noble', architecture: 'amd64', packages: ['tool'] };
  const lock = (await ubuntu.resolve?.(spec, undefined, configured, [])) as Omit<AptLock, 'of'>;
  const tool = lock.packages.find(({ name }) => name === 'tool');
  assert.deepEqual([tool?.version, tool?.from], ['1ubuntu2', 'ubuntu/noble-updates/main']);
  assert.deepEqual(lock.sources, [
    {
      name: 'ubuntu',
      uri: served.url,
      suites: ['noble', 'noble-updates'],
      components: ['main'],
      label: 'Ubuntu',
      'signed-by': key.fingerprint,
    },
  ]);
  const nowhere = await refusal(ubuntu.resolve?.(spec, undefined, context, []) ?? Promise.resolve());
  assert.equal(nowhere.error.status, 2);
  assert.match(nowhere.text, /nothing says where packages of ubuntu noble are had/);
});

test('nothing is taken from a list that is not signed by the key that the spec names', async (t) => {
  await using other = await makeKey(join(directory, 'o'), 'other');
  const { spec, source, suite } = await asked([offer('tool', '1')], ['tool']);
  const context = contextOf(t);
  const unknown = { ...spec, sources: [{ ...source, 'signed-by': other.fingerprint }] };
  const missing = await refusal(resolve(unknown, context));
  assert.equal(missing.error.status, 4);
  assert.match(missing.text, new RegExp(`signed by the key ${other.fingerprint}, which is not on this machine`));
  const both = { ...context, settings: () => ({ keyrings: `${key.file}:${other.file}` }) };
  assert.match((await refusal(resolve(unknown, both))).text, /the signature of .* is not good/);
  const index = join(archive, 'dists', suite, 'main/binary-amd64/Packages.gz');
  for (const name of [index, index.slice(0, -3)]) writeFileSync(name, 'other');
  assert.match((await refusal(resolve(spec, context))).text, /is not what its Release file says|larger than/);
  const signed = join(archive, 'dists', suite, 'InRelease');
  writeFileSync(signed, readFileSync(signed, 'utf8').replace('Label: Test', 'Label: Best'));
  assert.match((await refusal(resolve(spec, context))).text, /the signature of .* is not good/);
  appendFileSync(signed, 'Label: more\n');
  assert.match((await refusal(resolve(spec, context))).text, /InRelease is not a signed text/);
});

test('twelve lines by hand: exact, created, equal; comments stay', async (t) => {
  await mirror();
  const file = join(directory, 'env.yaml');
  const text = `# for the paper
repronim: 1
distributions:
- type: debian
  release: bookworm  # oldstable
  packages: [hello, mawk]  # small ones
`;
  writeFileSync(file, text);
  const run = commandIn(join(directory, 'home'));
  t.after(async () => await run('delete', '--yes', 'loose'));
  const resolved = await run('resolve', file);
  assert.equal(resolved.status, 0, resolved.stderr);
  const exact = readFileSync(file, 'utf8');
  assert.ok(exact.startsWith(text), exact.slice(0, 400));
  assert.match((await run('resolve', file)).stderr, /exact already/);
  const created = await run('create', 'loose', file);
  assert.equal(created.status, 0, created.stderr);
  const verified = await run('verify', 'loose', file);
  assert.equal(verified.status, 0, verified.stdout + verified.stderr);
  assert.match((await run('exec', 'loose', '--', 'hello')).stdout, /Hello, world!/);
});

test('the packages are those of mmdebstrap', async (t) => {
  await need('mmdebstrap');
  const source = `deb ${await mirror()} bookworm main`;
  const status = join(directory, 'status');
  await runProcess(
    [
      'mmdebstrap',
      '--quiet',
      '--variant=minbase',
      '--include=python3-numpy',
      '--format=null',
      '--aptopt=APT::Install-Recommends "false"',
      `--customize-hook=download /var/lib/dpkg/status ${status}`,
      'bookworm',
      '-',
      source,
    ],
    { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', TMPDIR: directory } },
  );
  const theirs = [...parseParagraphs(readFileSync(status, 'utf8'))].map(({ fields }) =>
    ['package', 'version', 'architecture'].map((name) => fields.get(name)).join(' '),
  );
  const { creating } = contexts(t);
  const uri = await mirror();
  const sources = [{ name: 'debian', uri, suites: ['bookworm'], components: ['main'] }];
  const spec = { type: 'debian', release: 'bookworm', sources, packages: ['python3-numpy'] };
  const { packages } = await resolve(spec, creating);
  assert.deepEqual(
    packages.map(({ name, version, architecture }) => `${name} ${version} ${architecture}`).sort(),
    theirs.sort(),
  );
});
