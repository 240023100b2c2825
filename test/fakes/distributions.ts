import * as v from 'valibot';

import {
  digestText,
  distributionFields,
  flag,
  integer,
  modeText,
  pathText,
  sha256Text,
  text,
  urlText,
  type AnyDistribution,
} from '../../src/contract/index.ts';

/**
 * Distributions that are schemas and nothing else, as docs/spec.md's example needs them: for tests of what reads and
 * writes specs.
 */
export const fakeDistributions: readonly AnyDistribution[] = [
  fake(
    'debian',
    {
      release: v.optional(v.picklist(['bullseye', 'bookworm', 'trixie', 'forky', 'sid'])),
      architecture: v.optional(text),
      sources: v.optional(
        v.array(
          v.looseObject({
            name: text,
            uri: urlText,
            suites: v.array(text),
            components: v.optional(v.array(text)),
            label: v.optional(text),
            'signed-by': v.optional(text),
            priority: v.optional(integer),
          }),
        ),
      ),
      packages: v.optional(v.array(text)),
    },
    {
      packages: v.array(
        v.looseObject({
          name: text,
          version: text,
          architecture: text,
          source: v.optional(text),
          from: v.optional(text),
          path: v.optional(text),
          repacked: v.optional(flag),
          contents: v.optional(digestText),
          size: integer,
          sha256: sha256Text,
          why: v.picklist(['used', 'required', 'essential', 'manual']),
        }),
      ),
      alternatives: v.optional(v.record(text, pathText)),
      changed: v.optional(
        v.array(v.looseObject({ path: pathText, mode: modeText, size: integer, sha256: sha256Text })),
      ),
      keys: v.optional(v.record(text, digestText)),
    },
  ),
  fake(
    'venv',
    {
      path: pathText,
      interpreter: v.optional(pathText),
      packages: v.optional(v.array(text)),
    },
    {
      python: v.optional(text),
      packages: v.array(
        v.looseObject({
          name: text,
          version: text,
          file: v.optional(text),
          size: v.optional(integer),
          sha256: v.optional(sha256Text),
          requested: v.optional(flag),
        }),
      ),
    },
  ),
  fake(
    'git',
    {
      path: pathText,
      remote: v.optional(text),
      commit: v.optional(
        v.pipe(v.string('expected a commit'), v.regex(/^[0-9a-f]{40}$/, 'expected 40 hexadecimal digits')),
      ),
      changes: v.optional(integer),
    },
    { patch: v.optional(digestText), unpushed: v.optional(digestText) },
  ),
  fake('prefix', { path: pathText }, { tree: digestText, files: integer, size: integer }),
];

function fake(type: string, above: v.ObjectEntries, below: v.ObjectEntries): AnyDistribution {
  const versionOf = (wish: string): string => /={1,2}(.*)/.exec(wish)?.[1] ?? '';
  return {
    type,
    title: type,
    schema: v.looseObject({ type: v.literal(type), ...distributionFields, ...above }),
    lockSchema: v.looseObject({ of: digestText, ...below }),
    packages: (spec: { packages?: readonly string[] }) =>
      (spec.packages ?? []).map((wish) => ({ key: wish, version: versionOf(wish) })),
  } as unknown as AnyDistribution;
}
