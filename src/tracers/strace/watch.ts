import { parseCall, type Call } from './arguments.ts';
import { handlers } from './calls.ts';
import { copyText } from './escapes.ts';
import { watchExecutions } from './executions.ts';
import { readLines, type LineReader } from './lines.ts';
import { watchOpens } from './opens.ts';
import { followProcesses, type Process } from './processes.ts';
import type { Scene } from './scene.ts';

/** What follows a log while it grows. */
export interface Watch {
  readonly reader: LineReader;
  /** The first process of the log, and how it ended where it has. */
  readonly main: { readonly pid: number; readonly status: number | undefined };
  /** Numbers of the processes that have not ended. */
  readonly alive: ReadonlySet<number>;
  /** How many calls were taken. */
  readonly calls: number;
  /** No more will come. */
  settle(): void;
}

/** Puts every line of a log into the scene. */
export function watchLog(scene: Scene, options: { readonly cwd: string; readonly unprivileged: boolean }): Watch {
  const processes = followProcesses(options.cwd);
  const opened = watchOpens(scene);
  const executed = watchExecutions(scene, options.unprivileged);
  const alive = new Set<number>();
  const refused = new Map<number, string>();
  let lastPid = 0;
  let last: Process | undefined;
  let calls = 0;
  let main = 0;
  let mainStatus: number | undefined;
  let begun = false;
  let refusal: number | undefined; // why the command could not be executed at all

  function processOf(pid: number): Process {
    if (pid === lastPid && last !== undefined) return last;
    if (main === 0) main = pid;
    lastPid = pid;
    last = processes.get(pid);
    alive.add(pid);
    return last;
  }

  function act(pid: number, process: Process, text: string): void {
    if (text.startsWith('openat') || text.startsWith('open(')) opened(process, text);
    else if (text.startsWith('exec')) {
      if (text.endsWith(' = 0')) {
        begun = true;
        executed(process, text);
      } else if (!begun && pid === main) refusal = text.includes(' = -1 ENOENT') ? 127 : 126;
    } else if (text.startsWith('creat(')) opened(process, text);
    else other(pid, process, text);
  }

  function other(pid: number, process: Process, text: string): void {
    const call = parseCall(text);
    if (call === undefined) return;
    if (call.name === 'ptrace' && /^PTRACE_(?:TRACEME|ATTACH|SEIZE)$/.test(call.args[0] ?? '')) {
      scene.odd.traced.add(process.program);
      return;
    }
    if (call.name === 'io_uring_setup' && call.result.endsWith('(INJECTED)')) refused.set(pid, process.program);
    const failed = call.result.startsWith('-') || call.result.startsWith('?');
    if (failed && !(call.name === 'connect' && call.result.includes('EINPROGRESS'))) return;
    if (call.name === 'clone' || call.name === 'clone3' || call.name.endsWith('fork')) {
      processes.cloned(process, childOf(call), call.args.join(' '));
      last = undefined;
      return;
    }
    handlers[call.name]?.(scene, process, call.args, call);
  }

  function later(pid: number, doIt: (process: Process) => void): void {
    const process = processOf(pid);
    if (process.waiting === undefined) doIt(process);
    else process.waiting.push(() => doIt(process));
  }

  const reader = readLines({
    call(pid, text) {
      calls += 1;
      const process = processOf(pid);
      if (process.waiting === undefined) act(pid, process, text);
      else {
        const own = copyText(text);
        process.waiting.push(() => act(pid, process, own));
      }
    },
    superseded(pid, by, text) {
      later(by, (process) => executed(process, text));
      processes.replaced(pid, by);
      alive.delete(by);
      last = undefined;
    },
    exited(pid, status) {
      if (pid === main) mainStatus = status;
      const program = refused.get(pid);
      if (program !== undefined && status !== 0) scene.odd.failedWithoutUring.add(program);
      refused.delete(pid);
      alive.delete(pid);
      processes.exited(pid);
      last = undefined;
    },
  });

  return {
    reader,
    alive,
    get main() {
      return { pid: main, status: begun ? mainStatus : (refusal ?? mainStatus) };
    },
    get calls() {
      return calls;
    },
    settle() {
      scene.strays += processes.settle();
    },
  };
}

/** The new process's number, and whether it is strace's: in a namespace the parent is told another. */
function childOf(call: Call): { readonly told: number; readonly translated: boolean } {
  const outside = /\/\* ([0-9]+) in strace's PID NS \*\//.exec(call.result)?.[1];
  return { told: Number(outside ?? Number.parseInt(call.result, 10)), translated: outside !== undefined };
}
