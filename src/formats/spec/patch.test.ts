import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { fakeDistributions as distributions } from '../../../test/fakes/distributions.ts';
import { digit, wholeSpec } from '../../../test/fakes/spec-text.ts';
import type { Spec } from '../../model/index.ts';
import { bindLock } from './lock.ts';
import { readSpec } from './read.ts';
import { writeSpec } from './write.ts';

const read = (text: string) => readSpec(text, { file: 'env.yaml', distributions });

/** The text of a spec after an edit of its value. */
function edited(text: string, edit: (spec: Spec) => Spec): string {
  const { spec, document } = read(text);
  return writeSpec(edit(spec), { distributions, onto: document });
}

const mine = `# mine
repronim: 1 # one


distributions:
  # first
  - {type: git,   path: /a} # flow
  - type:    "debian"   # deb
    release:  bookworm  # rel
    packages:
      # the tools
      - git   # vcs
      - zlib1g=1
      - bash # sh

# end
`;

const lockOf = (patch: string) => (spec: Spec) =>
  bindLock(spec, { distributions: { git: { patch: `sha256:${digit(patch)}` } } });

test('a lock is added below, and nothing above changes', () => {
  const locked = edited(mine, lockOf('a'));
  assert.ok(locked.startsWith(mine.replace('\n# end\n', '')));
  assert.ok(locked.endsWith(`patch: sha256:${digit('a')}}\n\n# end\n`));
  assert.equal(edited(locked, lockOf('a')), locked);
  const again = edited(locked, lockOf('b'));
  assert.equal(again, locked.replace(digit('a'), digit('b')));
});

test('comments in the lock stay where its entries do', () => {
  const locked = edited(mine, lockOf('a')).replace('  distributions:\n    git', '  distributions:\n    # why\n    git');
  const again = edited(locked, lockOf('c'));
  assert.match(again, /\n {4}# why\n {4}git: \{of: sha256:[0-9a-f]{64}, patch: sha256:c{64}\}\n/);
});

test('an edit changes its own line', () => {
  const after = edited(mine, (spec) => {
    const [git, debian] = spec.distributions as unknown as [object, object];
    const wishes = { ...debian, release: 'trixie', architecture: 'amd64', packages: ['awk', 'git', 'zlib1g=2', 'zsh'] };
    return { ...spec, distributions: [{ ...git, remote: 'https://x/' }, wishes] as unknown as Spec['distributions'] };
  });
  assert.equal(
    after,
    `# mine
repronim: 1 # one


distributions:
  # first
  - {type: git, path: /a, remote: https://x/} # flow
  - type:    "debian"   # deb
    release:  trixie  # rel
    packages:
      # the tools
      - awk
      - git   # vcs
      - zlib1g=2
      - zsh
    architecture: amd64

# end
`,
  );
});

test('what is taken out takes its lines along', () => {
  const without = edited(mine, (spec) => ({ ...spec, distributions: spec.distributions.slice(1) }));
  assert.ok(!without.includes('flow') && without.includes('# deb'));
  const bare = (spec: Spec): Spec => ({ repronim: spec.repronim, distributions: spec.distributions });
  assert.deepEqual(read(edited(wholeSpec, bare)).spec, bare(read(wholeSpec).spec));
});

test('whatever is edited, the value is the new one', () => {
  const { spec } = read(wholeSpec);
  const wishes = fc.array(
    fc.constantFrom('git', 'bash=1', 'bash=2', 'zlib1g', 'dcm2niix=1.0.20220720-1+deb12u1', 'a: b', '#x'),
  );
  const kept = fc.subarray([...spec.distributions], { minLength: 1 });
  const environment = fc.option(
    fc.dictionary(
      fc.constantFrom('PATH', 'LC_ALL', 'TZ'),
      fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', '')),
      { noNullPrototype: true },
    ),
    { nil: undefined },
  );
  const texts = fc.constantFrom(
    wholeSpec,
    wholeSpec.trimEnd(),
    wholeSpec.replaceAll('\n', '\r\n'),
    wholeSpec
      .replaceAll(/^- /gm, '-   ')
      .replaceAll(/^ {2}(?=\S)/gm, '    ')
      .replaceAll(/^ {2}- /gm, '  - '),
  );
  fc.assert(
    fc.property(
      texts,
      kept,
      wishes,
      environment,
      fc.boolean(),
      (text, distributionsKept, packages, variables, lock) => {
        let document;
        try {
          document = read(text).document;
        } catch {
          return; // the indentation of this one is not YAML
        }
        const entries = distributionsKept.map((entry) => (entry.type === 'debian' ? { ...entry, packages } : entry));
        const wanted: Spec = {
          repronim: spec.repronim,
          runs: spec.runs ?? [],
          ...(variables === undefined ? {} : { environment: variables }),
          distributions: entries.filter(
            ({ base }) => base === undefined || entries.some(({ type }) => type === 'debian'),
          ),
        };
        if (wanted.distributions.length === 0) return;
        const value: Spec = lock ? lockOf('d')(wanted) : wanted;
        const after = writeSpec(value, { distributions, onto: document });
        assert.deepEqual(read(after).spec, value);
        if (!text.includes('\r')) assert.ok(after.includes('# what the study ran on'));
      },
    ),
    { numRuns: 300 },
  );
});
