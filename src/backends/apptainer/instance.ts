import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import * as v from 'valibot';

import type { BackendContext, Confinement, Instance, InstanceStatus, Rootfs } from '../../contract/index.ts';
import { UserError } from '../../model/index.ts';
import { heldSession, probeConfinement, requireInterpreter } from '../../sessions/confined.ts';
import { enterEnvironment, openParameters } from '../../sessions/enter.ts';
import { isAlive, readHolder, type Enclosure } from '../../sessions/held.ts';
import { enterHeld, execHeld } from '../../sessions/join.ts';
import { findMapping, mapArgv } from '../../sessions/mapped.ts';
import { runProcess } from '../../sessions/process.ts';
import { endRunning, removeHeld } from '../../sessions/remove-held.ts';
import { engineOf } from '../../toolkits/apptainer/engine.ts';
import { makeWaiter } from '../../toolkits/apptainer/waiter.ts';

/** What the inventory keeps of an instance of ours. */
const factsSchema = v.object({
  program: v.string(),
  image: v.string(),
  tree: v.picklist(['overlay', 'copy']),
});

type Facts = v.InferOutput<typeof factsSchema>;

/** All that an instance puts into its state folder, beside what holding does. */
export const ownNames = ['overlay', 'copy', 'waiter', 'apptainer'] as const;

/** Makes an instance: changes lie over the image, or where nothing can be laid over, in a copy of it. */
export async function layInstance(wanted: {
  readonly name: string;
  readonly program: string;
  readonly image: string;
  readonly rootfs: Rootfs;
  readonly confinement: Confinement;
  readonly context: BackendContext;
}): Promise<Instance> {
  const { name, program, image, rootfs, confinement, context } = wanted;
  requireInterpreter();
  const missing = confinement.mounts.find(({ source }) => !existsSync(source));
  if (missing !== undefined) {
    throw new UserError(`there is no ${missing.source} to mount at ${missing.path}`, { status: 2 });
  }
  const { overlay } = await probeConfinement(context.store.cache('probes'));
  const facts: Facts = overlay
    ? { program, image, tree: 'overlay' }
    : { program, image: join(context.state, 'copy'), tree: 'copy' };
  await context.record(facts);
  makeFolders(rootfs.directory, context.state, facts);
  if (!overlay) await copyTree(rootfs.directory, context);
  return instanceOf(name, confinement, facts, context);
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
  const engine = engineOf(facts, confinement, state);
  const isLaid = () => existsSync(join(state, facts.tree === 'copy' ? 'copy' : 'overlay'));
  const mustBeThere = (): void => {
    if (isLaid() && existsSync(facts.image)) return;
    throw new UserError(`${name} is broken: ${facts.image} is gone`, {
      hint: `repronim delete ${name}, and create it again`,
    });
  };
  return {
    name,
    async status(): Promise<InstanceStatus> {
      if (!isLaid()) return 'gone';
      if (!existsSync(facts.image)) return 'broken';
      const holder = readHolder(state);
      return holder !== undefined && isAlive(holder) ? 'running' : 'stopped';
    },
    async start() {
      mustBeThere();
      const entered = await enterHeld(enclosure, { state, keep: true, signal, engine });
      entered.leave();
    },
    async stop() {
      await endRunning(state);
    },
    async exec(argv, options) {
      mustBeThere();
      return await execHeld(enclosure, argv, { ...options, state, label: name, ended: signal, engine });
    },
    async session() {
      mustBeThere();
      const entered = await enterHeld(enclosure, { state, keep: false, signal, engine });
      return heldSession(entered.holder, enclosure, name, async () => entered.leave());
    },
    async remove() {
      await removeHeld(state, ownNames);
    },
  };
}

/** What is entered is the engine's; what is looked at is its tree, without what it has mounted there. */
function enclosureOf(name: string, confinement: Confinement, facts: Facts, state: string): Enclosure {
  const upper = join(state, 'overlay/upper');
  return { root: facts.image, overlay: { upper, work: join(state, 'overlay/work') }, ...confinement, hostname: name };
}

/** The upper folder becomes the root folder of what is seen: it has its mode and owner. */
function makeFolders(rootfs: string, state: string, { tree }: Facts): void {
  makeWaiter(join(state, 'waiter'));
  mkdirSync(join(state, 'apptainer'), { recursive: true, mode: 0o700 });
  if (tree === 'copy') return;
  for (const folder of ['upper', 'work']) mkdirSync(join(state, 'overlay', folder), { recursive: true });
  const { mode, uid, gid } = lstatSync(rootfs);
  const upper = join(state, 'overlay/upper');
  if (process.geteuid?.() === 0) chownSync(upper, uid, gid);
  chmodSync(upper, mode & 0o7777);
}

async function copyTree(rootfs: string, { state, signal, onProgress }: BackendContext): Promise<void> {
  onProgress({ step: 'create', what: 'copying the tree: nothing can be laid over it here' });
  const mapped = mapArgv(findMapping(), ['/bin/cp', '-a', '-x', '--reflink=auto', '--', rootfs, join(state, 'copy')]);
  using parameters = openParameters(mapped.fields);
  await runProcess(mapped.argv, { env: enterEnvironment, cwd: '/', signal, descriptors: [parameters.descriptor] });
}
