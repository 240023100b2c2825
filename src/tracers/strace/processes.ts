import { hostView, ownView, type View } from './views.ts';

/** Where a process looks from: shared by those that were cloned with CLONE_FS. */
export interface Place {
  /** The working directory as this machine names it. */
  cwd: string;
  /** The folder that chroot made its root; '' for this machine's. */
  root: string;
}

export interface Process {
  place: Place;
  view: View;
  /** What it was last executed as. */
  program: string;
  /** Detached copies of mounts (open_tree), by descriptor: the folder that each shows. */
  trees: Map<number, string> | undefined;
  /** What it did before it was known whose child it is. */
  waiting: (() => void)[] | undefined;
}

/** Every process that is alive, by its number; numbers come back. */
export interface Processes {
  get(pid: number): Process;
  /** `parent` has cloned `child` with these flags (as strace prints them). */
  cloned(parent: Process, child: number, flags: string): void;
  /** Thread `by` has become process `pid`. */
  replaced(pid: number, by: number): void;
  exited(pid: number): void;
  /** Nothing more will come: what still waits is done as a child of the first process; returns how many waited. */
  settle(): number;
}

/** A child's lines may come before its parent's clone has returned; not many of them. */
const mostWaiting = 10_000;

export function followProcesses(cwd: string): Processes {
  const alive = new Map<number, Process>();
  const orphans = new Map<number, Process>();
  let first = true;

  function get(pid: number): Process {
    const known = alive.get(pid);
    if (known !== undefined) {
      if (known.waiting !== undefined && known.waiting.length > mostWaiting) settleOne(known);
      return known;
    }
    const process: Process = {
      place: { cwd, root: '' },
      view: hostView,
      program: '',
      trees: undefined,
      waiting: first ? undefined : [],
    };
    first = false;
    alive.set(pid, process);
    return process;
  }

  function settleOne(process: Process): void {
    const todo = process.waiting ?? [];
    process.waiting = undefined;
    for (const act of todo) act();
  }

  return {
    get,
    cloned(parent, pid, flags) {
      const here = alive.get(pid);
      const early = here?.waiting === undefined ? orphans.get(pid) : here;
      const place = flags.includes('CLONE_FS') ? parent.place : { ...parent.place };
      const view = flags.includes('CLONE_NEWNS') ? ownView(parent.view) : parent.view;
      if (early === undefined) {
        alive.set(pid, { place, view, program: parent.program, trees: parent.trees, waiting: undefined });
        return;
      }
      orphans.delete(pid);
      early.place = place;
      early.view = view;
      early.program = parent.program;
      settleOne(early);
    },
    replaced(pid, by) {
      const thread = alive.get(by);
      if (thread === undefined) return;
      alive.delete(by);
      alive.set(pid, thread);
    },
    exited(pid) {
      const process = alive.get(pid);
      alive.delete(pid);
      if (process?.waiting !== undefined && process.waiting.length > 0) orphans.set(pid, process);
    },
    settle() {
      const waiting = [...orphans.values(), ...alive.values()].filter((process) => process.waiting !== undefined);
      for (const process of waiting) settleOne(process);
      return waiting.length;
    },
  };
}
