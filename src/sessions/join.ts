import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import type { ExecOptions } from '../contract/index.ts';
import { UserError, type Argv } from '../model/index.ts';
import { execJoined } from './confined.ts';
import {
  cannotEnclose,
  hold,
  holdAndRun,
  isAlive,
  isClosing,
  readHolder,
  type Enclosure,
  type Engine,
  type Holder,
} from './held.ts';
import { checkAnswer, execFields, leavingFields } from './inside.ts';
import { findMapping } from './mapped.ts';

/** Being a user of an instance: as long as anybody is, its process 1 stays. */
export interface Entered {
  readonly holder: Holder;
  leave(): void;
}

/** So long, two of us may be in each other's way while one starts the instance and the other comes or goes. */
const patience = 10_000;

/**
 * Enters an instance that is held, or holds it. Whoever is in keeps the fifo open, or has started it; the last one's
 * leaving, or death, ends it. With `keep`, nobody's does.
 */
export async function enterHeld(
  enclosure: Enclosure,
  options: {
    readonly state: string;
    readonly keep: boolean;
    readonly signal: AbortSignal;
    readonly engine?: Engine;
  },
): Promise<Entered> {
  const { state, keep, signal, engine } = options;
  for (const since = performance.now(); performance.now() - since < patience;) {
    signal.throwIfAborted();
    const joined = tryJoin(state, keep);
    if (joined !== undefined) return joined;
    const held = await hold(enclosure, {
      state,
      keep,
      mapping: findMapping(),
      signal,
      ...(engine === undefined ? {} : { engine }),
    });
    if (held.is === 'ready') return { holder: held.holder, leave: () => held.life.destroy() };
    if (held.is === 'failed') throw cannotEnclose(held.step, held.because);
    await pause();
  }
  throw tooBusy(enclosure);
}

/** Runs one program in an instance: joins it where it is held, and else holds it for as long as that takes. */
export async function execHeld(
  enclosure: Enclosure,
  argv: Argv,
  options: ExecOptions & {
    readonly state: string;
    readonly label: string;
    readonly ended: AbortSignal;
    readonly engine?: Engine;
  },
): Promise<number> {
  const fields = [...leavingFields(true, enclosure.network === 'host'), ...execFields(argv, options)];
  const { state, label } = options;
  for (const since = performance.now(); performance.now() - since < patience;) {
    options.ended.throwIfAborted();
    const joined = tryJoin(state, false);
    if (joined !== undefined) {
      try {
        return await execJoined(joined.holder, fields, label, options);
      } finally {
        joined.leave();
      }
    }
    const held = await holdAndRun(enclosure, fields, { ...options, mapping: findMapping() });
    if (held.is === 'failed') throw cannotEnclose(held.step, held.because);
    if (held.is === 'ran') {
      checkAnswer(held.answer.slice(5), label);
      return held.status;
    }
    await pause();
  }
  throw tooBusy(enclosure);
}

/** Undefined where nobody holds it, or who does is about to end. */
function tryJoin(state: string, keep: boolean): Entered | undefined {
  const holder = readHolder(state);
  if (holder === undefined || !isAlive(holder)) return undefined;
  let users: number;
  try {
    users = openSync(join(state, 'users'), constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENXIO' || code === 'ENOENT') return undefined;
    throw error;
  }
  // Opened first, asked afterwards: whoever closes says so first and looks for users afterwards.
  if (isClosing(holder)) {
    closeSync(users);
    return undefined;
  }
  if (keep) writeSync(users, 'k');
  return { holder, leave: () => closeSync(users) };
}

async function pause(): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, 5);
  });
}

function tooBusy({ hostname, root }: Enclosure): UserError {
  return new UserError(`cannot enter ${hostname ?? root}: it is being started or stopped all the time`);
}
