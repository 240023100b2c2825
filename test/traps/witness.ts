/**
 * A second witness of the traps: fanotify, by Debian's fatrace. Run as root in a fresh pid namespace (`unshare -m -p -f
 * --mount-proc node witness.ts SCRATCH`), where opens by anybody outside have the number 0; prints what fanotify
 * saw and strace did not, as JSON.
 */
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { decodeName } from '../../src/roots/names.ts';
import { buildTrap, prepareBox, traceTrap, traps } from './suite.ts';

// fatrace writes names as they are, so those with a newline are not lines; a bound folder has two names.
const left = new Set(['odd-names', 'mounts', 'pivots']);
const scratch = process.argv[2] ?? '';
const programs = join(scratch, 'programs');
const log = join(scratch, 'fatrace.log');
const watched = traps.filter((trap) => !left.has(trap.name));
mkdirSync(programs, { recursive: true });
const ready = [];
for (const trap of watched) {
  const box = join(scratch, trap.name, 'box');
  const work = join(scratch, trap.name, 'work');
  prepareBox(box);
  mkdirSync(work);
  const argv = await buildTrap(trap, programs, box);
  if (argv !== undefined) ready.push({ trap, box, work, argv });
}

const fatrace = spawn('fatrace', ['-f', 'O', '-o', log], { stdio: 'ignore' });
await setTimeout(500);
const ours = new Set([process.pid]);
const note = setInterval(() => {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1');
  for (const pid of children.split(' ')) if (pid !== '') ours.add(Number(pid));
}, 1);
const traced = new Set<string>();
for (const { trap, argv, box, work } of ready) {
  const { result } = await traceTrap(trap, argv, box, work);
  for (const access of result.accesses) traced.add(access.path);
}
clearInterval(note);
await setTimeout(300);
fatrace.kill('SIGINT');
await once(fatrace, 'exit');

const seen = new Set<string>();
for (const line of decodeName(readFileSync(log)).split('\n')) {
  const event = /\(([0-9]+)\): [A-Z+<>]+ +(\/.*?)(?: \(deleted\))?$/.exec(line);
  if (event !== null && event[1] !== '0' && !ours.has(Number(event[1]))) seen.add(event[2] ?? '');
}
// A file with two names goes by either; one that never had a name goes by its number.
const inodes = new Set([...traced].map(inode));
const missed = [...seen].filter((path) => !traced.has(path) && !inodes.has(inode(path)) && !/\/#[0-9]+$/.test(path));
process.stdout.write(`${JSON.stringify({ seen: seen.size, missed })}\n`);

function inode(path: string): string {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat === undefined ? path : `${stat.dev}:${stat.ino}`;
}
