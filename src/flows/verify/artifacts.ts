import { digestFile } from '../../archives/store.ts';
import type { Context } from '../../contract/index.ts';
import { byBytes, type Difference, type Level } from '../../model/index.ts';
import type { Part } from '../plan.ts';
import { sortOf, totalOf } from './sorts.ts';

/**
 * What was obtained against the lock, by hash. The content in the store is hashed again; what is not there any more
 * is known from the record of the build (`built`), or can't be told. Nothing is fetched.
 */
export async function verifyArtifacts(
  parts: readonly Part[],
  context: Context,
  built: readonly string[] | undefined,
): Promise<Level> {
  const recorded = new Set(built);
  const differing: Difference[] = [];
  const explained: Difference[] = [];
  const sorts = new Map<string, { checked: number; equal: number }>();
  sortOf(sorts, 'packages'); // the first, whatever is counted first
  for (const { id, plugin, spec, lock } of parts) {
    const { archived, kept } = plugin.contents(spec, lock);
    const names = namesIn(lock);
    for (const sha256 of new Set([...archived, ...kept].map((ref) => ref.sha256))) {
      context.signal.throwIfAborted();
      const { name = `content of ${id}`, repacked = false, versioned = false } = names.get(sha256) ?? {};
      const sort = sortOf(sorts, versioned ? 'packages' : 'other content');
      sort.checked += 1;
      const said = { path: name, owner: id, was: sha256 };
      const is = await hashStored(sha256, context);
      if (is !== undefined && is !== sha256) differing.push({ ...said, kind: 'changed', is });
      else if (repacked) explained.push({ ...said, kind: 'repacked', explained: 'repacked from the traced system' });
      else if (is !== undefined || recorded.has(sha256)) sort.equal += 1;
      else if (built !== undefined) differing.push({ ...said, kind: 'missing' });
      else explained.push({ ...said, kind: 'missing', explained: 'not in the store any more' });
    }
  }
  const byPath = (a: Difference, b: Difference) => byBytes(a.path, b.path);
  return { ...totalOf(sorts), differing: differing.toSorted(byPath), explained: explained.toSorted(byPath) };
}

interface Named {
  readonly name?: string;
  readonly repacked?: boolean;
  /** Whether it is a package: something that has a version. */
  readonly versioned?: boolean;
}

/**
 * What a person calls each content of a lock: the name and version, the path or the file that stands beside its
 * sha256, or the key under which it stands. Locks are the plug-ins' own, and this is the form of all of them.
 */
function namesIn(value: unknown, key = '', found = new Map<string, Named>()): ReadonlyMap<string, Named> {
  if (typeof value === 'string') {
    const [, sha256] = /^(?:sha256:)?([0-9a-f]{64})$/.exec(value) ?? [];
    if (sha256 !== undefined && key !== 'of' && !found.has(sha256)) found.set(sha256, { name: key });
  } else if (Array.isArray(value)) {
    for (const one of value) namesIn(one, key, found);
  } else if (typeof value === 'object' && value !== null) {
    const { sha256, repacked, version } = value as Readonly<Record<string, unknown>>;
    if (typeof sha256 === 'string') {
      found.set(sha256, {
        name: nameOf(value) ?? key,
        repacked: repacked === true,
        versioned: typeof version === 'string',
      });
    }
    for (const [inner, one] of Object.entries(value)) if (inner !== 'sha256') namesIn(one, inner, found);
  }
  return found;
}

function nameOf(value: object): string | undefined {
  const { name, version, path, file } = value as Readonly<Record<string, unknown>>;
  if (typeof name === 'string') return typeof version === 'string' ? `${name} ${version}` : name;
  return [path, file].find((text) => typeof text === 'string');
}

async function hashStored(sha256: string, { store }: Context): Promise<string | undefined> {
  const file = await store.find(sha256);
  return file === undefined ? undefined : (await digestFile(file)).digest;
}
