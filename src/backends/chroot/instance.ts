import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import * as v from 'valibot';

import type {
  BackendContext,
  Confinement,
  ExecOptions,
  Instance,
  InstanceStatus,
  Session,
} from '../../contract/index.ts';
import { UserError, type Argv } from '../../model/index.ts';
import { bareSession } from '../../sessions/bare.ts';
import { heldSession, requireInterpreter } from '../../sessions/confined.ts';
import { enterEnvironment, openParameters } from '../../sessions/enter.ts';
import { cannotEnclose, hold, isAlive, readHolder, type Enclosure, type Engine } from '../../sessions/held.ts';
import { enterHeld, execHeld } from '../../sessions/join.ts';
import { findMapping, mapArgv } from '../../sessions/mapped.ts';
import { nspawnEngine } from '../../sessions/nspawn.ts';
import { runProcess } from '../../sessions/process.ts';
import { endRunning, removeHeld } from '../../sessions/remove-held.ts';

/** What the inventory keeps of an instance of ours. */
const factsSchema = v.object({
  rootfs: v.string(),
  /** `overlay`: laid over the rootfs; `copy`: one of its own, where nothing can be laid over. */
  tree: v.picklist(['overlay', 'copy']),
  /** Whether it is entered by a bare chroot: nothing can be mounted here, and it is trusted. */
  bare: v.boolean(),
  /** Who makes the enclosure, where it is not ourselves. */
  enter: v.optional(v.literal('nspawn')),
});

/** All that an instance puts into its state folder, beside what holding does. */
export const ownNames = ['upper', 'work', 'copy', 'root', '.#root.lck'] as const; // the last one is nspawn's

type Facts = v.InferOutput<typeof factsSchema>;

/** Makes an instance, the best that can be had here: an overlay, a copy, and for what is trusted a bare chroot. */
export async function layInstance(wanted: {
  readonly name: string;
  readonly rootfs: string;
  readonly confinement: Confinement;
  readonly enter: 'namespaces' | 'nspawn';
  readonly context: BackendContext;
}): Promise<Instance> {
  const { name, rootfs, confinement, enter, context } = wanted;
  requireInterpreter();
  const overlay: Facts = { rootfs, tree: 'overlay', bare: false, ...(enter === 'nspawn' ? { enter } : {}) };
  await context.record(overlay);
  makeFolders(rootfs, context.state);
  const layered = await tryFacts(name, confinement, overlay, context);
  if (layered === undefined) return instanceOf(name, confinement, overlay, context);
  if (enter === 'nspawn') {
    await removeHeld(context.state, ownNames);
    throw layered.error;
  }

  // Where not even namespaces can be had, a copy would not help.
  const copy: Facts = { ...overlay, tree: 'copy', bare: layered.step !== 'overlay' };
  if (copy.bare && (confinement.level === 'confined' || process.geteuid?.() !== 0)) {
    await removeHeld(context.state, ownNames);
    throw layered.error;
  }
  await removeHeld(context.state, ownNames);
  await context.record(copy);
  await copyTree(rootfs, context);
  if (!copy.bare) return instanceOf(name, confinement, copy, context);
  context.onProgress({
    step: 'create',
    finished: `${name} is a bare chroot, with a copy of the tree: it is trusted, and not confined`,
    details: [layered.error.message],
  });
  return instanceOf(name, confinement, copy, context);
}

/** An instance from what the inventory keeps of it. */
export function instanceOf(
  name: string,
  confinement: Confinement,
  recorded: Readonly<Record<string, unknown>>,
  context: BackendContext,
): Instance {
  const facts = v.parse(factsSchema, recorded);
  const { state, signal } = context;
  const enclosure = enclosureOf(name, confinement, facts, state);
  const how = { state, signal, ...engineOf(enclosure, facts, state) };
  return {
    name,
    async status(): Promise<InstanceStatus> {
      if (!existsSync(join(state, facts.tree === 'copy' ? 'copy' : 'upper'))) return 'gone';
      if (facts.tree === 'overlay' && !existsSync(facts.rootfs)) return 'broken';
      const holder = readHolder(state);
      return holder !== undefined && isAlive(holder) ? 'running' : 'stopped';
    },
    async start() {
      if (facts.bare) return; // nothing that could run by itself
      const entered = await enterHeld(enclosure, { ...how, keep: true });
      entered.leave();
    },
    async stop() {
      await endRunning(state);
    },
    ...(facts.bare
      ? {}
      : {
          async exec(argv: Argv, options: ExecOptions) {
            mustBeThere(name, enclosure);
            return await execHeld(enclosure, argv, {
              ...options,
              ...engineOf(enclosure, facts, state),
              state,
              label: name,
              ended: signal,
            });
          },
        }),
    async session(): Promise<Session> {
      mustBeThere(name, enclosure);
      if (facts.bare) return await bareSession(enclosure, name);
      const entered = await enterHeld(enclosure, { ...how, keep: false });
      return heldSession(entered.holder, enclosure, name, async () => entered.leave());
    },
    async remove() {
      await removeHeld(state, ownNames);
    },
  };
}

function mustBeThere(name: string, { root }: Enclosure): void {
  if (existsSync(root)) return;
  throw new UserError(`${name} is broken: ${root} is gone`, { hint: `repronim delete ${name}, and create it again` });
}

function enclosureOf(name: string, confinement: Confinement, facts: Facts, state: string): Enclosure {
  const tree =
    facts.tree === 'copy'
      ? { root: join(state, 'copy') }
      : { root: facts.rootfs, overlay: { upper: join(state, 'upper'), work: join(state, 'work') } };
  return { ...tree, ...confinement, hostname: name };
}

function engineOf(enclosure: Enclosure, facts: Facts, state: string): { readonly engine?: Engine } {
  const { overlay } = enclosure;
  if (facts.enter === undefined || overlay === undefined) return {};
  return { engine: nspawnEngine({ ...enclosure, overlay }, join(state, 'root')) };
}

/** Undefined where it can be entered as these facts have it, else why not. */
async function tryFacts(
  name: string,
  confinement: Confinement,
  facts: Facts,
  { state, signal }: BackendContext,
): Promise<{ readonly step: string; readonly error: UserError } | undefined> {
  const enclosure = enclosureOf(name, confinement, facts, state);
  const missing = confinement.mounts.find(({ source }) => !existsSync(source));
  if (missing !== undefined) {
    await removeHeld(state, ownNames);
    throw new UserError(`there is no ${missing.source} to mount at ${missing.path}`, { status: 2 });
  }
  const engine = engineOf(enclosure, facts, state);
  const held = await hold(enclosure, { mapping: findMapping(), state, signal, ...engine });
  if (held.is === 'failed') return { step: held.step, error: cannotEnclose(held.step, held.because) };
  if (held.is === 'ready') held.life.destroy();
  return undefined;
}

/** The upper folder becomes the root folder of what is seen: it has its mode and owner. */
function makeFolders(rootfs: string, state: string): void {
  const { mode, uid, gid } = lstatSync(rootfs);
  for (const folder of ['upper', 'work', 'root']) mkdirSync(join(state, folder), { recursive: true });
  const upper = join(state, 'upper');
  if (process.geteuid?.() === 0) chownSync(upper, uid, gid);
  chmodSync(upper, mode & 0o7777);
}

async function copyTree(rootfs: string, { state, signal, onProgress }: BackendContext): Promise<void> {
  onProgress({ step: 'create', what: 'copying the tree: nothing can be laid over it here' });
  const mapped = mapArgv(findMapping(), ['/bin/cp', '-a', '-x', '--reflink=auto', '--', rootfs, join(state, 'copy')]);
  using parameters = openParameters(mapped.fields);
  await runProcess(mapped.argv, { env: enterEnvironment, cwd: '/', signal, descriptors: [parameters.descriptor] });
}
