/** Where a process looks from: shared by those that were cloned with CLONE_FS. */
export interface Place {
  /** The working directory as this machine names it. */
  cwd: string;
  /** The folder that chroot made its root; '' for this machine's. */
  root: string;
}

/** What a process sees mounted: shared until unshare, setns or CLONE_NEWNS. */
export interface View {
  /** False: this machine's mounts. */
  readonly own: boolean;
  /** True when nothing can be said about which of its files are this machine's. */
  unknown: boolean;
  /** Folders over which something else was mounted, and what it is where that is a folder of this machine. */
  readonly mounts: { readonly target: string; readonly source: string | undefined }[];
}

export interface Process {
  place: Place;
  view: View;
  /** What it was last executed as. */
  program: string;
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
  const host: View = { own: false, unknown: false, mounts: [] };
  let first = true;

  function get(pid: number): Process {
    const known = alive.get(pid);
    if (known !== undefined) {
      if (known.waiting !== undefined && known.waiting.length > mostWaiting) settleOne(known);
      return known;
    }
    const process: Process = { place: { cwd, root: '' }, view: host, program: '', waiting: first ? undefined : [] };
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
        alive.set(pid, { place, view, program: parent.program, waiting: undefined });
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

/** A mount namespace of its own, which starts as a copy. */
export function ownView(view: View): View {
  return { own: true, unknown: view.unknown, mounts: [...view.mounts] };
}

/** Which file of this machine a path is in a view: undefined when it isn't one. */
export function onThisMachine(view: View, path: string): string | undefined {
  if (!view.own) return path;
  if (view.unknown) return undefined;
  for (let index = view.mounts.length - 1; index >= 0; index -= 1) {
    const mount = view.mounts[index];
    if (mount === undefined || !(path === mount.target || path.startsWith(`${mount.target}/`))) continue;
    return mount.source === undefined ? undefined : mount.source + path.slice(mount.target.length);
  }
  return path;
}
