import { closeSync, constants, existsSync, openSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ExecOptions, Session } from '../contract/index.ts';
import { UserError } from '../model/index.ts';
import { localRoot } from '../roots/local.ts';
import { bareSession } from './bare.ts';
import { enterArgv, enterEnvironment, findPerl, isKnownMachine, openParameters, type Fields } from './enter.ts';
import { cannotEnclose, endHolder, hold, type Enclosure, type Holder } from './held.ts';
import { checkAnswer, insideSession } from './inside.ts';
import { findMapping } from './mapped.ts';
import { ownersInside } from './owners.ts';
import { execProcess } from './process.ts';
import { explainStep } from './user-namespaces.ts';

export type { Enclosure } from './held.ts';

/**
 * A session in a tree of ours, confined as docs/architecture.md has it: namespaces of its own, pivot_root, no new
 * privileges, few capabilities, a filter of system calls. What runs in it ends with the session, or with us.
 * Where confinement can't be had: UserError of status 4 for `confined`; for `trusted` a bare chroot (no overlay).
 */
export async function enclose(enclosure: Enclosure, signal?: AbortSignal): Promise<Session> {
  requireInterpreter();
  const held = await hold(enclosure, { mapping: findMapping(), ...(signal === undefined ? {} : { signal }) });
  if (held.is === 'ready') {
    return heldSession(held.holder, enclosure, enclosure.hostname ?? enclosure.root, async () => {
      held.life.destroy();
      endHolder(held.holder);
    });
  }
  const { step, because } = held.is === 'failed' ? held : { step: 'start', because: 'busy' };
  const missing = enclosure.mounts.find(({ source }) => !existsSync(source));
  if (missing !== undefined) {
    throw new UserError(`there is no ${missing.source} to mount at ${missing.path}`, { status: 2 });
  }
  if (enclosure.level === 'confined' || enclosure.overlay !== undefined || process.geteuid?.() !== 0) {
    throw cannotEnclose(step, because);
  }
  return await bareSession(enclosure, enclosure.hostname ?? enclosure.root);
}

/** A session in an enclosure that stands; `label` is what people call it. */
export function heldSession(
  holder: Holder,
  enclosure: Enclosure,
  label: string,
  dispose: () => Promise<void>,
): Session {
  // Pinned by a descriptor of ours: the holder's number may become another process's.
  const tree =
    enclosure.overlay === undefined ? undefined : openSync(treeOf(holder), constants.O_RDONLY | constants.O_DIRECTORY);
  return insideSession({
    mode: 'join',
    fields: [
      ['pid', holder.pid],
      ['start', holder.start],
      ['flags', holder.flags],
      ...(enclosure.watched === true ? ([['watched', 1]] as const) : []),
    ],
    label,
    restricted: true,
    scoped: enclosure.network === 'host',
    root: ownersInside(
      localRoot(tree === undefined ? enclosure.root : `/proc/${process.pid}/fd/${tree}`, label),
      findMapping(),
    ),
    async dispose() {
      if (tree !== undefined) closeSync(tree);
      await dispose();
    },
  });
}

/** Runs one program in an enclosure that stands. */
export async function execJoined(
  holder: Holder,
  fields: Fields,
  label: string,
  { stdin, stdout, stderr, signal }: ExecOptions,
): Promise<number> {
  using parameters = openParameters([['pid', holder.pid], ['start', holder.start], ['flags', holder.flags], ...fields]);
  const status = await execProcess(enterArgv('join'), {
    stdin,
    stdout,
    stderr,
    ...(signal === undefined ? {} : { signal }),
    env: enterEnvironment,
    cwd: '/',
    descriptors: [parameters.descriptor],
  });
  checkAnswer(parameters.answer(), label);
  return status;
}

function treeOf({ pid, tree }: Holder): string {
  return tree === undefined ? `/proc/${pid}/root` : `/proc/${pid}/fd/${tree}`;
}

/** What this machine lets us do, found by trying. */
export interface ConfinementProbe {
  readonly confined:
    | { readonly usable: true; readonly detail: string }
    | { readonly usable: false; readonly because: string; readonly hint: string };
  /** Whether a tree can be laid over another without copying. */
  readonly overlay: boolean;
  /** Whether at least a bare chroot works: what `trusted` falls back to. */
  readonly bare: boolean;
  /** Whose ids files may have: all, a range of the administrator's, our own only. */
  readonly ids: 'root' | 'subordinate' | 'single';
}

/**
 * Finds out by making a small enclosure of an empty folder, which is removed again. `below` is where that is made: on
 * the disk where enclosures will be. Its name begins with our process id, so that what a killed probe left is known.
 */
export async function probeConfinement(below: string = tmpdir()): Promise<ConfinementProbe> {
  const mapping = findMapping();
  const bare = process.geteuid?.() === 0;
  try {
    requireInterpreter();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const because = error.message;
    return {
      confined: { usable: false, because, hint: error.hint ?? '' },
      overlay: false,
      bare: false,
      ids: mapping.kind,
    };
  }
  const top = await mkdir(below, { recursive: true, mode: 0o700 }).then(
    () => below,
    () => tmpdir(), // where nothing may be written, there is still something to say
  );
  const folder = await mkdtemp(join(top, `${process.pid}-repronim-probe-`));
  try {
    for (const name of ['root', 'upper', 'work']) await mkdir(join(folder, name));
    const root = join(folder, 'root');
    const overlay = { upper: join(folder, 'upper'), work: join(folder, 'work') };
    const plain = { root, level: 'confined', network: 'none', mounts: [] } as const;
    const layered = await tryHold({ ...plain, overlay });
    const single = layered === undefined ? undefined : await tryHold(plain);
    if (single !== undefined) {
      const missing = explainStep(single.split(':')[0] ?? '') ?? { because: single, hint: otherwiseHint() };
      return { confined: { usable: false, ...missing }, overlay: false, bare, ids: mapping.kind };
    }
    const detail = {
      root: 'as root',
      subordinate: 'user namespaces, subordinate ids',
      single: 'user namespaces, one id',
    };
    return {
      confined: { usable: true, detail: `${detail[mapping.kind]}${layered === undefined ? '' : ', no overlay'}` },
      overlay: layered === undefined,
      bare,
      ids: mapping.kind,
    };
  } finally {
    await chmod(join(folder, 'work/work'), 0o700).catch(() => {}); // the kernel's own, of mode 0
    await rm(folder, { recursive: true, force: true });
  }
}

/** Undefined where it works, else why it does not. */
async function tryHold(enclosure: Enclosure): Promise<string | undefined> {
  const held = await hold(enclosure, { mapping: findMapping() });
  if (held.is === 'busy') return 'busy';
  if (held.is === 'failed') return `${held.step}: ${held.because}`;
  held.life.destroy();
  endHolder(held.holder);
  return undefined;
}

function otherwiseHint(): string {
  return process.geteuid?.() === 0
    ? 'this looks like a container: run it with --cap-add SYS_ADMIN and seccomp unconfined, or say --trust'
    : 'choose another backend; `repronim doctor` lists them';
}

/** Throws UserError of status 4 where what we confine with is not there. */
export function requireInterpreter(): void {
  if (!isKnownMachine()) {
    throw new UserError(`nothing can be confined on ${process.arch} yet`, {
      hint: 'choose --backend docker',
      status: 4,
    });
  }
  if (findPerl() === undefined) {
    throw new UserError('perl is not there, and confining needs it', {
      hint: 'install perl (perl-base is enough)',
      status: 4,
    });
  }
}
