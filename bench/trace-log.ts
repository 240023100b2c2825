/**
 * How fast a log of strace is read, and in how much memory: a build of many small compilations, 5 M lines, a fifth of
 * the calls in two halves, tens of thousands of distinct files.
 *
 * node bench/trace-log.ts [--json] [--lines N]
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { followLog } from '../src/tracers/strace/follow.ts';
import { reportScene } from '../src/tracers/strace/report.ts';
import { lookHere } from '../src/tracers/strace/look.ts';
import { createScene } from '../src/tracers/strace/scene.ts';
import { watchLog } from '../src/tracers/strace/watch.ts';
import { scratch } from '../test/e2e/need.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    lines: { type: 'string', default: '5000000' },
    read: { type: 'string' },
  },
});
if (values.read === undefined) {
  const log = join(scratch('bench-log', 2 ** 30), 'strace.log');
  const lines = writeLog(log, Number(values.lines));
  // In a process of its own, which has written nothing.
  const read = execFileSync(process.execPath, [import.meta.filename, '--read', log], { encoding: 'utf8' });
  print(lines, JSON.parse(read) as Measured);
} else process.stdout.write(JSON.stringify(readLog(values.read)));

interface Measured {
  readonly seconds: number;
  readonly files: number;
  readonly megabytesBefore: number;
  readonly megabytesAtMost: number;
}

function readLog(log: string): Measured {
  const before = process.memoryUsage.rss();
  const begin = performance.now();
  const scene = createScene(lookHere(Date.now()));
  const watch = watchLog(scene, { cwd: '/home/u/build', unprivileged: false });
  const follower = followLog(log, watch.reader);
  follower?.advance();
  watch.settle();
  const report = reportScene(scene, 0);
  follower?.close();
  return {
    seconds: (performance.now() - begin) / 1000,
    files: report.accesses.length,
    megabytesBefore: before / 2 ** 20,
    megabytesAtMost: process.resourceUsage().maxRSS / 1024,
  };
}

function print(lines: number, measured: Measured): void {
  const result = { lines, ...measured, linesPerSecond: lines / measured.seconds };
  const speed = Math.round(result.linesPerSecond).toLocaleString('en');
  process.stdout.write(
    values.json
      ? `${JSON.stringify(result)}\n`
      : `${lines.toLocaleString('en')} lines in ${measured.seconds.toFixed(2)} s: ${speed} lines/s (wanted: at least 300,000)\n` +
          `${measured.files} files; memory at most ${Math.round(measured.megabytesAtMost)} MB (wanted: at most 200), ${Math.round(measured.megabytesBefore)} MB before\n`,
  );
}

/** Writes a log in strace's form; returns how many lines it has. */
function writeLog(path: string, wanted: number): number {
  const file = openSync(path, 'w');
  const cwd = 'AT_FDCWD</home/u/build>';
  let count = 1;
  let seed = 1;
  const draw = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  writeSync(file, '100 execve("/usr/bin/make", ["make"], 0x7ffdd0100228 /* 35 vars */) = 0\n');
  for (let unit = 0; count < wanted; unit += 1) {
    const pid = 1000 + (unit % 59_000);
    const part = [
      '100 vfork( <unfinished ...>',
      `${pid} execve("/usr/bin/gcc", ["gcc", "-c", "f${unit}.c"], 0x7ffdd0100228 /* 35 vars */ <unfinished ...>`,
      `100 <... vfork resumed>) = ${pid}`,
      `${pid} <... execve resumed>) = 0`,
    ];
    for (let call = 0; call < 20; call += 1) {
      const library = `/lib/x86_64-linux-gnu/lib${draw(50)}.so.6`;
      const kind = draw(10);
      if (kind < 4) part.push(`${pid} openat(${cwd}, "${library}", O_RDONLY|O_CLOEXEC) = 3</usr${library}>`);
      else if (kind < 6)
        part.push(
          `${pid} openat(${cwd}, "/usr/include/${call}.h", O_RDONLY|O_NOCTTY) = -1 ENOENT (No such file or directory)`,
        );
      else if (kind < 8)
        part.push(
          `${pid} openat(${cwd}, "src/${unit % 50_000}.h", O_RDONLY|O_NOCTTY) = 4</home/u/build/src/${unit % 50_000}.h>`,
        );
      else
        part.push(
          `${pid} openat(${cwd}, "${library}", O_RDONLY <unfinished ...>`,
          `${pid} <... openat resumed>) = 3</usr${library}>`,
        );
    }
    part.push(
      `${pid} openat(${cwd}, "/tmp/cc${pid}.s", O_RDWR|O_CREAT|O_EXCL, 0600) = 3</tmp/cc${pid}.s>`,
      `${pid} unlink("/tmp/cc${pid}.s") = 0`,
      `${pid} +++ exited with 0 +++`,
    );
    writeSync(file, `${part.join('\n')}\n`);
    count += part.length;
  }
  closeSync(file);
  return count;
}
