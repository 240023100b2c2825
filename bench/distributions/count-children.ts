/**
 * Counts the child processes that this process starts. As a preload (`node --import`) it also writes their number to
 * the file that BENCH_CHILDREN names when the process ends.
 */
import childProcess, { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

let started = 0;

// every asynchronous way to start one goes through here
const inner = ChildProcess.prototype as unknown as { spawn(options: unknown): unknown };
const { spawn } = inner;
inner.spawn = function counted(this: ChildProcess, options: unknown) {
  started += 1;
  return spawn.call(this, options);
};
const counted = <F extends (...args: never[]) => unknown>(call: F): F =>
  ((...args: never[]) => {
    started += 1;
    return call(...args);
  }) as F;
childProcess.spawnSync = counted(childProcess.spawnSync as never);
childProcess.execFileSync = counted(childProcess.execFileSync as never);
childProcess.execSync = counted(childProcess.execSync as never);
syncBuiltinESMExports();

const { BENCH_CHILDREN: file } = process.env;
if (file !== undefined) process.on('exit', () => writeFileSync(file, String(started)));

/** How many there were so far. */
export function childrenStarted(): number {
  return started;
}
