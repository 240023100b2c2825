import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { isWithin, UserError, type Argv } from '../../model/index.ts';
import type { BackendContext, Confinement } from '../../contract/index.ts';
import { localRoot } from '../../roots/local.ts';
import { alone } from '../../sessions/alone.ts';
import { insideSession } from '../../sessions/inside.ts';
import { runProcess } from '../../sessions/process.ts';
import type { Facts } from './facts.ts';
import { mustBeTrue, putBySchroot } from './put.ts';
import { foldersOf, isRegistered, register, unregister } from './register.ts';

/** Where schroot mounts sessions, and unpacks tars: chosen when it is built, and the same in all distributions. */
const mounts = '/run/schroot/mount';
const unpacked = '/var/lib/schroot/unpack';

const patience = 600_000;

/** Where a session's tree is to be seen once it has begun. */
export function locationOf({ session }: Facts): string {
  return join(mounts, session);
}

/** Mount points at and below a session's tree, by proc_pid_mountinfo(5). */
export function mountPointsOf(facts: Facts): readonly string[] {
  const location = locationOf(facts);
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    )
    .filter((point) => isWithin(point, location));
}

/** Whether the session has begun, and is there. */
export function hasBegun(facts: Facts): boolean {
  return mountPointsOf(facts).length > 0;
}

/**
 * Begins the session, or begins it again where it was ended or lost: what was changed is in a folder of ours, and is
 * there again. Returns what is known then.
 */
export async function begin(facts: Facts, confinement: Confinement, context: BackendContext): Promise<Facts> {
  const isThere = () => hasBegun(facts) && !isRegistered(facts);
  if (isThere()) return facts;
  const { state, signal } = context;
  return await alone(state, { waitMs: patience, signal }, async () => {
    if (isThere()) return facts;
    await takeAway(facts); // of one that was lost, or cut short, schroot remembers what there is
    mustBeTrue(facts, treesOf(facts, state));
    prepare(facts, state);
    try {
      register(facts, confinement, state);
      await speak(
        ['schroot', '--begin-session', `--chroot=${facts.session}`, `--session-name=${facts.session}`],
        signal,
      );
      const settled = await settle(facts, context);
      unregister(facts);
      return settled;
    } catch (error) {
      await takeAway(facts);
      throw error;
    }
  });
}

/** Ends the session and all that runs in it; what was changed stays. Idempotent. */
export async function end(facts: Facts, state: string, signal: AbortSignal): Promise<void> {
  if (!existsSync(state)) return;
  await alone(state, { waitMs: patience, signal }, async () => await takeAway(facts));
}

async function takeAway(facts: Facts): Promise<void> {
  await untilBegun(facts);
  unregister(facts);
  await killAll(facts);
  if (await isKnown(facts)) await endKnown(facts);
  rmSync(unpackLink(facts), { force: true });
}

/** Whether schroot knows of the session. */
async function isKnown({ session }: Facts): Promise<boolean> {
  const { stdout } = await runProcess(['schroot', '--list', '--all-sessions'], { cwd: '/', accept: 'any' });
  return stdout.toString().split('\n').includes(`session:${session}`);
}

async function endKnown(facts: Facts): Promise<void> {
  const which = `--chroot=session:${facts.session}`;
  const ended = await runProcess(['schroot', '--end-session', which], { cwd: '/', accept: 'any' });
  if (ended.status !== 0) await speak(['schroot', '--force', '--end-session', which]);
}

async function speak(argv: Argv, signal?: AbortSignal): Promise<void> {
  const result = await runProcess(argv, { cwd: '/', accept: 'any', ...(signal === undefined ? {} : { signal }) });
  if (result.status === 0) return;
  const said = result.stderr.toString().trim().split('\n').slice(-12);
  throw new UserError(`schroot refuses: ${said.at(-1) ?? `status ${result.status}`}`, { details: said.slice(0, -1) });
}

/** Somebody of ours who was killed may have left a schroot that is just beginning the session. */
async function untilBegun(facts: Facts): Promise<void> {
  if (!isRegistered(facts)) return;
  const isBeginning = () => numbers().some((pid) => commandLine(pid).includes(`--session-name=${facts.session}`));
  for (const since = performance.now(); isBeginning() && performance.now() - since < patience;) await sleep(50);
}

/** What there is to look at and to write to before schroot does. */
function prepare(facts: Facts, state: string): void {
  const { upper, work, tree } = foldersOf(state);
  if (facts.type === 'directory') {
    if (existsSync(upper)) return;
    mkdirSync(work, { recursive: true });
    mkdirSync(upper);
    const { mode, uid, gid } = lstatSync(facts.rootfs); // the upper folder becomes the root folder of what is seen
    chownSync(upper, uid, gid);
    chmodSync(upper, mode & 0o7777);
    return;
  }
  if (facts.unpacked !== true) {
    rmSync(tree, { recursive: true, force: true });
    mkdirSync(tree);
    chmodSync(tree, 0o755);
  }
  // schroot unpacks where everybody may look, and takes it away with the session: so that leads to a folder of ours
  rmSync(unpackLink(facts), { force: true });
  symlinkSync(tree, unpackLink(facts));
}

function unpackLink({ session }: Facts): string {
  return join(unpacked, session);
}

/** The trees that make up what will be seen, the uppermost first. */
function treesOf(facts: Facts, state: string): readonly string[] {
  const { upper, tree } = foldersOf(state);
  if (facts.type === 'directory') return [upper, facts.rootfs];
  return facts.unpacked === true ? [tree] : [facts.rootfs];
}

/** What schroot leaves undone, and what it has put there. */
async function settle(facts: Facts, context: BackendContext): Promise<Facts> {
  const location = locationOf(facts);
  if (facts.type === 'file' && facts.enter === 'namespaces') {
    // as the overlay is mounted: nobody else here may become root by what is in it
    await runProcess(['mount', '-o', 'remount,bind,nosuid,nodev', location], { cwd: '/' });
  }
  if (facts.type === 'file' && facts.unpacked !== true && (facts.capable ?? []).length > 0) {
    await restoreCapabilities(facts);
  }
  const put =
    facts.profile === undefined ? [] : await putBySchroot(facts, localRoot(location), localRoot(facts.rootfs));
  const settled: Facts = {
    ...facts,
    ...(facts.type === 'file' ? { unpacked: true } : {}),
    ...(put.length === 0 ? {} : { put: [...put] }),
  };
  if (JSON.stringify(settled) !== JSON.stringify(facts)) await context.record(settled);
  return settled;
}

/** Files with capabilities come from the rootfs once more: schroot's tar does not unpack those. */
async function restoreCapabilities(facts: Facts): Promise<void> {
  const below = (directory: string) =>
    insideSession({
      mode: 'plain',
      fields: [['root', directory]],
      label: directory,
      restricted: false,
      root: localRoot(directory),
      async dispose() {},
    });
  await using from = below(facts.rootfs);
  await using to = below(locationOf(facts));
  await to.untar(from.tar(facts.capable ?? []), '/');
}

async function killAll(facts: Facts): Promise<void> {
  const location = locationOf(facts);
  for (const since = performance.now(); performance.now() - since < 5000;) {
    const found = numbers().filter((pid) => rootOf(pid) === location);
    if (found.length === 0) return;
    for (const pid of found) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // it has ended meanwhile
      }
    }
    await sleep(5);
  }
}

function rootOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/root`);
  } catch {
    return '';
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

function numbers(): readonly string[] {
  return readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name));
}
