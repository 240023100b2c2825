import { spawn, type ChildProcess } from 'node:child_process';
import { realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { UserError, type Argv } from '../../model/index.ts';
import type { TraceOptions, TraceResult } from '../../contract/index.ts';
import { straceArgv, type Mode } from './argv.ts';
import { attend } from './attend.ts';
import { withCapabilities } from './capabilities.ts';
import { executable } from './command.ts';
import { namedDescriptors, recordInherited } from './descriptors.ts';
import { lookHere } from './look.ts';
import { probeStrace } from './probe.ts';
import { reportScene } from './report.ts';
import { createScene, type Scene } from './scene.ts';
import { watchLog } from './watch.ts';

/** Runs a command under strace, on our descriptors, and tells what it did. */
export async function traceCommand(command: Argv, options: TraceOptions): Promise<TraceResult> {
  const probed = await probeStrace(options.signal);
  if (!probed.usable) throw new UserError(`cannot trace: ${probed.because}`, { hint: probed.hint, status: 125 });
  const cwd = realpathSync.native(options.cwd);
  const argv = executable(command, options.env['PATH'], cwd);
  // The kernel's clock for files is a few milliseconds behind.
  const scene = createScene(lookHere(Date.now() - 20));
  scene.directories.add(cwd);
  if (typeof argv === 'number') return reportScene(scene, argv);
  const log = join(options.work, 'strace.log');
  // read from the moment that it is there: one of an earlier command would be taken for this one's
  rmSync(log, { force: true });
  const child = start(probed.mode, argv, log, options, scene);
  const unprivileged = process.geteuid?.() !== 0;
  const watch = watchLog(scene, { cwd, unprivileged });
  const ended = await attend(child, log, watch, options.signal);
  if (watch.main.pid === 0)
    throw new UserError(`cannot trace ${command[0]}: strace ended with status ${ended.status} before it`, {
      status: 125,
    });
  if (unprivileged) {
    const files = [...new Set([...scene.programs.values()].map(({ file }) => file))];
    for (const file of await withCapabilities(files)) scene.odd.setuid.add(file);
  }
  const report = reportScene(scene, watch.main.status ?? ended.status);
  return { ...report, notes: [...report.notes, ...ended.notes] };
}

function start(mode: Mode, argv: Argv, log: string, options: TraceOptions, scene: Scene): ChildProcess {
  // A library that is preloaded into the command must not be loaded into strace.
  const loader = Object.entries(options.env).filter(([name]) => name.startsWith('LD_') || name === 'GLIBC_TUNABLES');
  const own = Object.fromEntries(
    Object.entries(options.env).filter((entry) => !loader.some(([name]) => name === entry[0])),
  );
  const line = straceArgv(mode, argv, {
    log,
    stat: options.stat,
    allowIoUring: options.allowIoUring ?? false,
    env: loader,
  });
  const first = [options.stdin, options.stdout, options.stderr];
  const named = namedDescriptors(argv);
  recordInherited(scene, [
    ...first.flatMap((given, theirs) =>
      given === 'ignore' ? [] : [{ ours: given === 'inherit' ? theirs : given, theirs }],
    ),
    ...named.map((number) => ({ ours: number, theirs: number })),
  ]);
  const stdio: (number | 'inherit' | 'ignore')[] = [...first];
  for (const number of named) {
    while (stdio.length < number) stdio.push('ignore');
    stdio[number] = number;
  }
  return spawn(line[0], line.slice(1), { cwd: options.cwd, env: own, stdio });
}
