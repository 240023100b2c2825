import { posix } from 'node:path';

import { byBytes, type Note } from '../../model/index.ts';
import type { Description, Owner, Root, TraceContext } from '../../contract/index.ts';
import { linkedOutside } from '../../toolkits/trees/elf.ts';
import { soughtByGo } from '../../toolkits/trees/go.ts';
import { keepUsed, limitIn } from '../../toolkits/trees/keep-used.ts';
import { standardLibrary } from '../../toolkits/trees/python.ts';
import { completeUsed } from '../../toolkits/trees/used.ts';
import { identify, type Identity } from './identify.ts';
import { managedPlace } from './places.ts';
import type { PrefixLock, PrefixSpec } from './spec.ts';

type One = Description<PrefixSpec, PrefixLock>['distributions'][number] & { readonly notes: readonly Note[] };

/** Trees that were packed for one trace, by top and what was used of them. */
const packedOf = new WeakMap<Root, { readonly context: TraceContext; readonly trees: Map<string, Promise<One>> }>();

/** Each tree with what was used of it, or with everything in it where it was asked for whole. */
export async function describe(
  owned: ReadonlyMap<string, readonly Owner[]>,
  root: Root,
  context: TraceContext,
): Promise<Description<PrefixSpec, PrefixLock>> {
  const used = new Map<string, string[]>();
  for (const [path, owners] of owned) {
    for (const { key } of owners) {
      const paths = used.get(key) ?? [];
      paths.push(path);
      used.set(key, paths);
    }
  }
  const last = packedOf.get(root);
  const held = last?.context === context ? last.trees : new Map<string, Promise<One>>();
  packedOf.set(root, { context, trees: held });
  const leads = new Set<string>();
  const distributions: One[] = [];
  const broken: Note[] = [];
  for (const [top, paths] of [...used].sort(([a], [b]) => byBytes(a, b))) {
    const whole = context.whole.includes(top);
    const identity = await identify(top, root, broken);
    // an environment stands on it, and no run tells what that needs of it
    const alone = identity.name === 'Python' && !paths.some((path) => /\/lib\d*\/python\d/.test(path));
    const needed = alone ? await standardLibrary(top, root) : [];
    const all = whole
      ? await everything(top, root)
      : await completeUsed(top, [...paths, ...identity.evidence, ...needed], root);
    for (const lead of all.leads) leads.add(lead);
    if (alone || context.ran === undefined) {
      for (const lead of await linkedOutside(top, all.paths, root)) leads.add(lead);
    }
    if (identity.name === 'Go') for (const lead of await soughtByGo(context.ran, root)) leads.add(lead);
    const key = JSON.stringify([top, whole, context.keep, ...[...all.paths].sort(byBytes)]);
    let one = held.get(key);
    if (one === undefined) held.set(key, (one = pack(top, whole, identity, all.paths, root, context)));
    distributions.push(await one);
  }
  return {
    distributions: distributions.map(({ spec, lock, summary, instance = spec.path }) => ({
      spec,
      lock,
      summary,
      instance,
    })),
    leads: [...leads].sort(byBytes),
    notes: [...broken, ...distributions.flatMap(({ notes }) => notes)],
  };
}

async function everything(top: string, root: Root): Promise<{ paths: Set<string>; leads: string[] }> {
  const paths = new Set<string>();
  for await (const { path } of root.scan({ below: [top], digests: [] })) paths.add(path);
  return { paths, leads: [] };
}

async function pack(
  top: string,
  whole: boolean,
  identity: Identity,
  paths: ReadonlySet<string>,
  root: Root,
  context: TraceContext,
): Promise<One> {
  const { kept, notes } = await keepUsed(root, top, paths, {
    store: context.store,
    keep: context.keep,
    limit: limitIn(context.settings('prefix')),
    setting: 'prefix.limit',
  });
  const { name, version, build } = identity;
  const about = [name, version].filter((part) => part !== undefined).join(' ');
  const by = managedPlace(posix.join(top, 'x'))?.by;
  return {
    spec: {
      type: 'prefix',
      path: top,
      name,
      ...(version === undefined ? {} : { version }),
      ...(whole ? { whole } : {}),
    },
    instance: top,
    summary: `1 prefix (${about}${by === undefined || by === name ? '' : `, ${by}`})`,
    lock: { ...kept, ...(Object.keys(build).length === 0 ? {} : { build }) },
    notes,
  };
}
