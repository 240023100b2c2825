import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { UserError, runId, type Argv, type Note, type Spec } from '../../model/index.ts';
import type { Confinement, Root } from '../../contract/index.ts';
import { writeSpec } from '../../formats/spec/write.ts';
import type { RootfsValue } from '../../inventory/inventory.ts';
import { localRoot } from '../../roots/local.ts';
import { layerOver } from '../../sessions/layered.ts';
import { activationsOf } from '../activation.ts';
import { buildRootfs } from '../create/build-rootfs.ts';
import { withWork } from '../create-context.ts';
import { contextOf, traceContextOf, type House } from '../house.ts';
import { partsOf } from '../plan.ts';
import { replay, type Replay } from '../replay.ts';
import { narrow, withFolders, withoutUnused, withoutUnusedPackages } from '../shrink/narrow.ts';
import { watchRuns } from '../shrink/watch-runs.ts';
import { trace } from '../trace.ts';
import { buildImage } from './build.ts';

export interface ShrinkRequest {
  /** Exact. */
  readonly spec: Spec;
  /** Ids of runs; none: all of them, or none where there is a command. */
  readonly runs: readonly string[];
  readonly command?: Argv;
  /** Files that nothing used go, too. */
  readonly files: boolean;
  readonly tags: readonly string[];
  readonly confinement: Confinement;
}

/** How large a tree is: bytes of files (hard links once), files, packages. */
export interface Extent {
  readonly bytes: number;
  readonly files: number;
  readonly packages: number;
}

export interface Shrunk {
  /** Absent where the commands do not give the same in it. */
  readonly image?: RootfsValue;
  readonly spec: Spec;
  readonly before: Extent;
  readonly after: Extent;
  readonly replays: readonly Replay[];
  readonly equal: boolean;
  readonly notes: readonly Note[];
}

/** Programs that an environment is built and entered with, also where no command needs them. */
const kept = [
  ['sh', '-c', ':'],
  ['rm', '-f', '/tmp/none'],
  ['tee', '/tmp/none'],
  ['tail', '/dev/null'],
  ['sleep', '0'],
  ['env', 'true'],
] as const satisfies readonly Argv[];

/**
 * The image of an environment with no more than some commands need: whole packages that they used and what those
 * need; with `files`, of packages no file that was not used. Proven by running the commands in it again: nothing is
 * named or kept where they do not give the same.
 */
export async function shrink(request: ShrinkRequest, house: House): Promise<Shrunk> {
  const { spec, confinement } = request;
  const trusted = confinement.level === 'trusted';
  const runs = chosen(spec, request.runs, request.command !== undefined);
  const { rootfs } = await buildRootfs(spec, house, trusted);
  return await withWork(house, async (work) => {
    const folder = async (name: string) => {
      await mkdir(join(work, name));
      return join(work, name);
    };
    const watching = {
      runs,
      ...(request.command === undefined ? {} : { command: request.command }),
    };
    const whole = await layerOver(rootfs.directory, await folder('whole'), confinement, house.signal);
    let all: Spec;
    let tools = new Set<string>();
    let watched: Awaited<ReturnType<typeof watchRuns>>;
    {
      await using session = whole;
      all = await describeAll(spec, session.root, house, await folder('all'));
      watched = await watchRuns(spec, watching, session, house, await folder('watch'));
      if (request.files) tools = await toolsOf(spec, session, house, await folder('tools'));
    }
    const { distributions } = house;
    const origin = localRoot(rootfs.directory, 'rootfs');
    let small = narrow(spec, all, watched.spec, distributions);
    small = await withoutUnusedPackages(small, watched.opened, origin, distributions, contextOf(house));
    small = await withFolders(small, watched.asked, origin, distributions, contextOf(house));
    const notes: Note[] = [];
    if (request.files) {
      const used = new Set([...watched.used, ...tools]);
      const cut = await withoutUnused(small, used, origin, distributions, contextOf(house));
      small = cut.spec;
      for (const id of cut.whole)
        notes.push({ kind: 'incomplete', about: id, text: `${id}: files of the packages that are left all stay` });
    }
    const built = await buildRootfs(small, house, trusted);
    const replays = await replayAll(small, built.rootfs.directory, confinement, house, await folder('replay'));
    const equal = replays.every((one) => one.equal);
    const source = await house.store.add(Buffer.from(writeSpec(small, house)));
    const image = equal ? await buildImage(small, source, request.tags, trusted, house) : undefined;
    return {
      ...(image === undefined ? {} : { image: image.image }),
      spec: small,
      before: await extentOf(spec, rootfs.directory, house),
      after: await extentOf(small, built.rootfs.directory, house),
      replays,
      equal,
      notes,
    };
  });
}

function chosen(spec: Spec, ids: readonly string[], hasCommand: boolean): readonly number[] {
  const known = (spec.runs ?? []).map(runId);
  for (const id of ids) {
    if (known.includes(id)) continue;
    throw new UserError(`there is no run ${id}`, { status: 2, hint: `there are: ${known.join(', ') || 'none'}` });
  }
  if (ids.length === 0) return hasCommand ? [] : [...known.keys()];
  return [...known.keys()].filter((index) => ids.includes(known[index] ?? ''));
}

async function describeAll(spec: Spec, root: Root, house: House, work: string): Promise<Spec> {
  const paths = spec.distributions.flatMap((entry) => {
    const { path } = entry as { readonly path?: unknown };
    return typeof path === 'string' ? [path] : [];
  });
  const context = traceContextOf(house, { scope: 'all', keep: false, whole: [] });
  return (await trace({ root, system: true, paths }, house, context, work)).spec;
}

async function toolsOf(
  spec: Spec,
  session: Parameters<typeof watchRuns>[2],
  house: House,
  work: string,
): Promise<Set<string>> {
  const used = new Set<string>();
  const { runs: _, ...plain } = spec;
  for (const [index, command] of kept.entries()) {
    const own = join(work, String(index));
    await mkdir(own);
    const watched = await watchRuns(plain, { runs: [], command }, session, house, own).catch((error: unknown) => {
      if (error instanceof UserError) return undefined; // it has no such program
      throw error;
    });
    for (const path of watched?.used ?? []) used.add(path);
  }
  return used;
}

async function replayAll(
  spec: Spec,
  directory: string,
  confinement: Confinement,
  house: House,
  work: string,
): Promise<readonly Replay[]> {
  await mkdir(join(work, 'layer'));
  await using session = await layerOver(directory, join(work, 'layer'), confinement, house.signal);
  const activations = activationsOf(spec, house.distributions);
  const done: Replay[] = [];
  for (const index of (spec.runs ?? []).keys()) {
    done.push(await replay(spec, index, session, { activations, work }, contextOf(house)));
  }
  return done;
}

async function extentOf(spec: Spec, directory: string, house: House): Promise<Extent> {
  const root = localRoot(directory, 'rootfs');
  const sizes = new Map<string, number>();
  const paths: string[] = [];
  for await (const entry of root.scan({ digests: [], signal: house.signal })) {
    if (entry.type === 'file') paths.push(entry.path);
  }
  for (const [index, stat] of (await root.lstat(paths)).entries()) {
    sizes.set(stat?.inode ?? String(index), stat?.size ?? 0);
  }
  const packages = partsOf(spec, house.distributions).map((part) => part.plugin.packages(part.spec, part.lock).length);
  return {
    bytes: [...sizes.values()].reduce((sum, size) => sum + size, 0),
    files: paths.length,
    packages: packages.reduce((sum, some) => sum + some, 0),
  };
}
