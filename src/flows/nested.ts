import { posix, join } from 'node:path';
import { Readable } from 'node:stream';
import { createZstdCompress } from 'node:zlib';

import { digestOf, type DistributionSpec, type Step } from '../model/index.ts';
import type { AnyDistribution, CreateContext } from '../contract/index.ts';
import { asTar } from '../roots/as-tar.ts';
import { rootBelow } from '../roots/below.ts';
import { enclose } from '../sessions/confined.ts';
import { removeMapped } from '../sessions/mapped.ts';
import { applySteps } from './apply.ts';
import { forgetMoment } from './create/forget-moment.ts';

/**
 * The plug-in of an entry. One that can stand alone and has a `path` does not: it is a tree at that path in what it
 * stands on (an old Debian under /opt on a cluster's CentOS), and is an overlay like others.
 */
export function pluginFor(
  entry: DistributionSpec | undefined,
  distributions: readonly AnyDistribution[],
): AnyDistribution | undefined {
  const plugin = distributions.find(({ type }) => type === entry?.type);
  const top = topOf(entry);
  return plugin?.bootstrap === undefined || top === undefined ? plugin : nested(plugin, top);
}

function topOf(entry: DistributionSpec | undefined): string | undefined {
  const { path } = (entry ?? {}) as { readonly path?: unknown };
  return typeof path === 'string' && path !== '/' ? path : undefined;
}

function nested(plugin: AnyDistribution, top: string): AnyDistribution {
  const { bootstrap: _, asBase: __, change: ___, prepareChange: ____, activate: _____, ...reading } = plugin;
  return {
    ...reading,
    // whose a path of the tree is, only the tree's own lists say: `check` reads them
    claim: async () => new Map(),
    describe: async () => ({ distributions: [], notes: [] }),
    async prepare(spec, lock, context) {
      return { from: {}, refused: [], missing: [], made: { tree: await layTree(plugin, spec, lock, context) } };
    },
    plan(_spec, _lock, made): readonly Step[] {
      const because = `${plugin.title} as a tree of its own`;
      const { tree } = made;
      const folder: Step = { do: 'directory', path: top, because };
      return tree === undefined ? [folder] : [folder, { do: 'unpack', archive: tree, into: top, because }];
    },
    observe: async (spec, root, context) => await plugin.observe(spec, rootBelow(root, top), context),
    async check(spec, lock, root, context) {
      const below = rootBelow(root, top);
      const answer = (await plugin.check?.(spec, lock, below, context)) ?? { checked: 0, differing: [], explained: [] };
      const own: string[] = [];
      const strange = new Set(answer.differing.filter(({ kind }) => kind === 'unknown').map(({ path }) => path));
      for await (const { path } of below.scan({ digests: [], signal: context.signal })) {
        if (!strange.has(path)) own.push(posix.join(top, path));
      }
      const moved = <T extends { readonly path: string }>(one: T): T => ({ ...one, path: posix.join(top, one.path) });
      // what nobody owns is found by whoever looks at the whole: of scripts' doing, too, here it can't be told apart
      const differing = answer.differing.filter(({ kind }) => kind !== 'unknown').map(moved);
      return { ...answer, differing, explained: answer.explained.map(moved), own };
    },
    volatile: (spec) =>
      (plugin.volatile?.(spec) ?? []).map((one) => ({ ...one, pattern: posix.join(top, one.pattern) })),
  };
}

/** Lays the tree as if it stood alone, and packs it; the owners are those that are seen inside. */
async function layTree(
  plugin: AnyDistribution,
  spec: DistributionSpec,
  lock: Parameters<AnyDistribution['plan']>[1],
  context: CreateContext,
) {
  const directory = join(context.work, `tree-${digestOf(spec).slice(7, 19)}`);
  try {
    await plugin.bootstrap?.(spec, lock, directory, context);
    const level = context.trusted ? 'trusted' : 'confined';
    await using session = await enclose({ root: directory, level, network: 'none', mounts: [] }, context.signal);
    await applySteps(plugin.plan(spec, lock, {}), session, context.store, () => {});
    await forgetMoment(session, context.signal);
    const tar = Readable.from(asTar(session.root, context.signal));
    const packed = createZstdCompress();
    tar.once('error', (error) => packed.destroy(error));
    return await context.store.add(tar.pipe(packed));
  } finally {
    await removeMapped(directory);
  }
}
