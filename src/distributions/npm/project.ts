import { posix } from 'node:path';

import { UserError } from '../../model/index.ts';
import { localRoot } from '../../roots/local.ts';
import { parseManifest } from './parse-locks.ts';
import type { NpmSpec } from './spec.ts';
import { parseWish, type Wish } from './wish.ts';

/** What is asked of npm: as a package.json has it, and where to start from. */
export interface Project {
  readonly wishes: readonly Wish[];
  readonly fields: Readonly<Record<string, unknown>>;
  /** A lock file to start from. */
  readonly lock?: string;
}

/** A project that asks for these. */
export function projectOf(wishes: readonly Wish[], start?: Readonly<Record<string, unknown>>): Project {
  const dependencies = Object.fromEntries(wishes.map(({ name, range }) => [name, range]));
  const fields = { name: 'scratch', version: '0.0.0', private: true, dependencies };
  if (start === undefined) return { wishes, fields };
  const packages = { '': fields, ...start };
  return { wishes, fields, lock: JSON.stringify({ ...fields, lockfileVersion: 3, requires: true, packages }) };
}

const kinds = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];
const largest = 64 * 1024 * 1024;

/**
 * The project whose tree it is, where it lies on this machine: what its package.json asks for, and its lock file.
 * Undefined where there is none. Throws UserError 2 for what asks for more than packages of a registry.
 */
export async function readProject({ path }: NpmSpec): Promise<Project | undefined> {
  await using root = localRoot();
  const read = async (name: string) => {
    const bytes = await root.readFile(posix.join(path, name), largest).catch(() => undefined);
    return bytes?.toString('utf8');
  };
  const raw = parseManifest((await read('package.json')) ?? '')?.raw;
  if (raw === undefined) return undefined;
  if (raw['workspaces'] !== undefined) {
    throw new UserError(`npm: ${path} has workspaces, which cannot be resolved`, {
      status: 2,
      hint: `trace them where they are: repronim trace --path ${path}/node_modules`,
    });
  }
  const asked = Object.fromEntries(kinds.flatMap((kind) => (raw[kind] === undefined ? [] : [[kind, raw[kind]]])));
  const wishes = Object.values(asked).flatMap((list) =>
    Object.entries((list ?? {}) as Readonly<Record<string, unknown>>).map(([name, range]) =>
      parseWish(range === '' ? name : `${name}@${String(range)}`),
    ),
  );
  const lock = (await read('npm-shrinkwrap.json')) ?? (await read('package-lock.json'));
  const { peerDependenciesMeta, overrides } = raw;
  const more = {
    ...(peerDependenciesMeta === undefined ? {} : { peerDependenciesMeta }),
    ...(overrides === undefined ? {} : { overrides }),
  };
  return {
    wishes,
    fields: { name: 'scratch', version: '0.0.0', private: true, ...asked, ...more },
    ...(lock === undefined ? {} : { lock }),
  };
}
