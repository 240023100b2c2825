import { existsSync } from 'node:fs';
import { join } from 'node:path';

import type {
  BackendContext,
  Confinement,
  ExecOptions,
  Instance,
  InstanceStatus,
  Root,
  Session,
} from '../../contract/index.ts';
import { UserError, type Argv } from '../../model/index.ts';
import { localRoot } from '../../roots/local.ts';
import { heldSession } from '../../sessions/confined.ts';
import { isAlive, readHolder, type Enclosure } from '../../sessions/held.ts';
import { enterHeld, execHeld } from '../../sessions/join.ts';
import { endRunning, removeHeld } from '../../sessions/remove-held.ts';
import { schrootSession } from '../../sessions/schroot.ts';
import type { Facts } from './facts.ts';
import { withoutPut } from './put.ts';
import { foldersOf } from './register.ts';
import { begin, end, hasBegun, locationOf, mountPointsOf } from './session.ts';

/** All that an instance puts into its state folder, beside what holding does. */
const ownNames = ['upper', 'work', 'tree', 'profile', 'nothing.tar'] as const;

/** An instance from what is known of it. */
export function instanceOf(name: string, confinement: Confinement, known: Facts, context: BackendContext): Instance {
  const { state, signal } = context;
  let facts = known;
  const isHeld = facts.enter === 'namespaces';
  const enclosure: Enclosure = { root: locationOf(facts), ...confinement, hostname: name };
  const top = foldersOf(state)[facts.type === 'directory' ? 'upper' : 'tree'];
  const beBegun = async () => {
    const isGone = [top, ...(facts.type === 'directory' ? [facts.rootfs] : [])].find((path) => !existsSync(path));
    if (isGone !== undefined) throw broken(name, isGone);
    facts = await begin(facts, confinement, context);
  };
  const enter = async (keep: boolean) => {
    await beBegun();
    return await enterHeld(enclosure, { state, keep, signal });
  };
  return {
    name,
    async status(): Promise<InstanceStatus> {
      if (!existsSync(top)) return 'gone';
      if (facts.type === 'directory' && !existsSync(facts.rootfs)) return 'broken';
      if (!isHeld) return hasBegun(facts) ? 'running' : 'stopped';
      const holder = readHolder(state);
      return holder !== undefined && isAlive(holder) ? 'running' : 'stopped';
    },
    async start() {
      if (isHeld) (await enter(true)).leave();
      else await beBegun();
    },
    async stop() {
      await endRunning(state);
      await end(facts, state, signal);
    },
    ...(isHeld
      ? {
          async exec(argv: Argv, options: ExecOptions) {
            await beBegun();
            return await execHeld(enclosure, argv, { ...options, state, label: name, ended: signal });
          },
        }
      : {}),
    async session(): Promise<Session> {
      if (isHeld) {
        const entered = await enter(false);
        const session = heldSession(entered.holder, enclosure, name, async () => entered.leave());
        return { ...session, root: rootOf(facts, session.root) };
      }
      await beBegun();
      const location = locationOf(facts);
      const root = rootOf(facts, localRoot(location, name));
      return schrootSession({ session: facts.session, location, root, label: name, async dispose() {} });
    },
    async remove() {
      await removeAll(facts, state, signal);
    },
  };
}

/** Takes away all that there may be of an instance. Idempotent. */
export async function removeAll(facts: Facts | undefined, state: string, signal: AbortSignal): Promise<void> {
  await endRunning(state);
  if (facts !== undefined) await end(facts, state, signal);
  await removeHeld(state, ownNames);
}

function rootOf(facts: Facts, live: Root): Root {
  const location = locationOf(facts);
  const mounts = mountPointsOf(facts)
    .filter((point) => point !== location)
    .map((point) => `/${point.slice(join(location, '/').length)}`);
  if (mounts.length === 0 && (facts.put ?? []).length === 0) return live;
  return withoutPut(live, localRoot(facts.rootfs, live.label), facts, mounts);
}

function broken(name: string, gone: string): UserError {
  return new UserError(`${name} is broken: ${gone} is gone`, { hint: `repronim delete ${name}, and create it again` });
}
