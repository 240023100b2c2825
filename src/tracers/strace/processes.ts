import { hostView, ownView, type View } from './views.ts';

/** Where a process looks from: shared by those that were cloned with CLONE_FS. */
interface Place {
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
  /** Whose numbers its pid namespace has, and that of its children. */
  numbers: 'strace' | 'inner';
  numbersOfChildren: 'strace' | 'inner';
  /** Detached copies of mounts (open_tree), by descriptor: the folder that each shows. */
  trees: Map<number, string> | undefined;
  /** What it did before it was known whose child it is. */
  waiting: (() => void)[] | undefined;
}

/** Every process that is alive, by its number; numbers come back. */
export interface Processes {
  get(pid: number): Process;
  /** `parent` has cloned a child with these flags (as strace prints them), whose number it was told. */
  cloned(parent: Process, child: { readonly told: number; readonly translated: boolean }, flags: string): void;
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
  // Children whose numbers are not known: the next process that comes from nowhere is one of them.
  const expected: Process[] = [];
  let first = true;

  function get(pid: number): Process {
    const known = alive.get(pid);
    if (known !== undefined) {
      if (known.waiting !== undefined && known.waiting.length > mostWaiting) settleOne(known);
      return known;
    }
    const process = expected.shift() ?? stranger(cwd, first);
    first = false;
    alive.set(pid, process);
    return process;
  }

  /** The process that did something before its parent's clone returned, taken out of where it waits. */
  function early(pid: number): Process | undefined {
    const here = alive.get(pid);
    if (here?.waiting !== undefined) return here;
    const gone = orphans.get(pid);
    orphans.delete(pid);
    return gone;
  }

  function firstStranger(): Process | undefined {
    for (const [pid, process] of orphans) {
      orphans.delete(pid);
      return process;
    }
    return alive.values().find((process) => process.waiting !== undefined);
  }

  return {
    get,
    cloned(parent, { told, translated }, flags) {
      const child: Process = {
        place: flags.includes('CLONE_FS') ? parent.place : { ...parent.place },
        view: flags.includes('CLONE_NEWNS') ? ownView(parent.view) : parent.view,
        program: parent.program,
        numbers: flags.includes('CLONE_NEWPID') ? 'inner' : parent.numbersOfChildren,
        numbersOfChildren: flags.includes('CLONE_NEWPID') ? 'inner' : parent.numbersOfChildren,
        trees: parent.trees,
        waiting: undefined,
      };
      // strace before 5.14 does not translate the numbers that a process in a pid namespace is told.
      const known = translated || parent.numbers === 'strace';
      const begun = known ? early(told) : firstStranger();
      if (begun !== undefined) {
        const todo = begun.waiting;
        Object.assign(begun, child);
        for (const act of todo ?? []) act();
      } else if (known) alive.set(told, child);
      else expected.push(child);
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

function stranger(cwd: string, first: boolean): Process {
  return {
    place: { cwd, root: '' },
    view: hostView,
    program: '',
    numbers: 'strace',
    numbersOfChildren: 'strace',
    trees: undefined,
    waiting: first ? undefined : [],
  };
}

function settleOne(process: Process): void {
  const todo = process.waiting ?? [];
  process.waiting = undefined;
  for (const act of todo) act();
}
