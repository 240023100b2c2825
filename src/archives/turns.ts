import { setImmediate as nextTurn } from 'node:timers/promises';

/** Does something when it is its turn: at most so many at a time for one host. */
export type Turns = <T>(host: string, task: () => Promise<T>) => Promise<T>;

/** Turns for hosts that are counted together. */
export function takeTurns(most: number): Turns {
  const lanes = new Map<string, { running: number; readonly waiting: (() => void)[] }>();
  return async (host, task) => {
    const lane = lanes.get(host) ?? { running: 0, waiting: [] };
    lanes.set(host, lane);
    // whoever ends hands his place on, so that nobody slips in between
    if (lane.running >= most) await new Promise<void>((resolve) => lane.waiting.push(resolve));
    else lane.running += 1;
    try {
      return await task();
    } finally {
      // a connection is free a turn of the event loop after its answer has ended: the next is to have that one
      for (let turn = 0; turn < 3; turn += 1) await nextTurn();
      const next = lane.waiting.shift();
      if (next === undefined) lane.running -= 1;
      else next();
    }
  };
}

/**
 * Turns at snapshot services, which shut out who asks for much at a time: two for one host, whatever is asked for,
 * over all that this process does.
 */
export const snapshotTurns: Turns = takeTurns(2);

/** Whether a host is such a service by its name: whoever names it as a source of his own gets no more of it. */
export function isSnapshotHost(host: string): boolean {
  return /^snapshot[.-]/.test(host);
}
