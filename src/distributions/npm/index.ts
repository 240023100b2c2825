import { posix } from 'node:path';

import type { Step } from '../../model/index.ts';
import type { Distribution, Exact } from '../../contract/index.ts';
import { claim } from './claim.ts';
import { describe } from './describe.ts';
import { edit } from './edit.ts';
import { check, observe, packages } from './observe.ts';
import { caches } from './layout.ts';
import { prepare } from './prepare.ts';
import { resolve } from './resolve.ts';
import { modulesOf, npmLockSchema, npmSchema, type NpmLock, type NpmSpec } from './spec.ts';
import { artifactOf, wanted } from './wanted.ts';

/** Packages for Node in a project's `node_modules` or a global prefix, as npm, yarn or pnpm laid them. */
export const npm: Distribution<NpmSpec, NpmLock> = {
  type: 'npm',
  title: 'npm',
  schema: npmSchema,
  lockSchema: npmLockSchema,
  claim,
  describe,
  resolve,
  contents(_spec, lock) {
    return {
      kept: [lock.tree, lock.rest].filter((content) => content !== undefined),
      archived: lock.packages.map(artifactOf).filter((content) => content !== undefined),
    };
  },
  wanted,
  prepare,
  plan(spec, lock, made): readonly Step[] {
    if (made['tree'] === undefined) return [];
    return [{ do: 'unpack', archive: made['tree'], into: spec.path, because: because(lock) }];
  },
  edit,
  change(from, to): readonly Step[] {
    const gone = foldersOf(from).map((path): Step => ({ do: 'remove', path, because: 'the packages as they were' }));
    return [...gone, ...npm.plan(to.spec, to.lock, to.made)];
  },
  activate({ path, global }) {
    return global === true ? [{ do: 'prepend', name: 'PATH', value: posix.join(path, 'bin') }] : [];
  },
  needs: () => [{ program: 'node', debian: ['nodejs'], redhat: ['nodejs'] }],
  volatile(spec) {
    const folder = posix.join(spec.path, modulesOf(spec));
    return caches.map((name) => ({ pattern: `${folder}/${name}/`, because: 'caches of programs, no packages' }));
  },
  packages,
  observe,
  check,
};

function because({ packages: rows, tree }: NpmLock): string {
  const count = `${rows.length} npm package${rows.length === 1 ? '' : 's'}`;
  const scripts = tree === undefined ? rows.filter((row) => row.scripts === true).map(({ name }) => name) : [];
  if (scripts.length === 0) return count;
  return `${count}; the install scripts of ${[...new Set(scripts)].join(', ')} are not run`;
}

/** What is taken away before a tree is laid anew: its folders, and the packages and commands of a global one. */
function foldersOf({ spec, lock }: Exact<NpmSpec, NpmLock>): string[] {
  const folders = lock.packages.map(({ path }) =>
    spec.global === true
      ? (/^lib\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? path)
      : `${path.slice(0, `/${path}`.indexOf('/node_modules/'))}node_modules`,
  );
  return [...new Set([...folders, ...(lock.bins ?? [])])].sort().map((path) => posix.join(spec.path, path));
}
