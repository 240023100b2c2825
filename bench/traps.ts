/**
 * The trap suite through our tracer and through ReproZip's: how many of the things that the programs say they did
 * are missing, and how many paths are wrong, in one run.
 *
 * node bench/traps.ts [--json]
 */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, lstatSync, mkdirSync, openSync, realpathSync, rmSync } from 'node:fs';
import { join, posix } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';

import { need, scratch } from '../test/e2e/need.ts';
import {
  buildTrap,
  judgeTrap,
  prepareBox,
  readTruth,
  traceTrap,
  trapEnvironment,
  traps,
  type Judgement,
  type Trap,
  type Truth,
} from '../test/traps/suite.ts';
import { findReprozip } from './reprozip.ts';

type Outcome = Judgement | 'failed' | 'skipped';

// What ReproZip's database can say at all: which files were read, written, executed, worked in.
const comparable = new Set(['read', 'written', 'executed']);
const modes = { read: 1, written: 2 } as const;

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
await need('strace', 'gcc', 'libc6-dev', 'make', 'python3', 'perl');
const place = scratch('bench-traps', 2 ** 28);
const programs = join(place, 'programs');
mkdirSync(programs);
const peer = await findReprozip(place);
const rows: { readonly name: string; readonly ours: Outcome; readonly reprozip: Outcome | undefined }[] = [];
for (const trap of traps)
  rows.push({
    name: trap.name,
    ours: await byUs(trap),
    reprozip: peer === undefined ? undefined : await byReprozip(trap, peer.command),
  });
print();

async function byUs(trap: Trap): Promise<Outcome> {
  const { box, work } = rooms(trap.name, 'ours');
  const argv = await buildTrap(trap, programs, box);
  if (argv === undefined) return 'skipped';
  const { truth, result } = await traceTrap(trap, argv, box, work);
  return result.status === 77 || (trap.optional === true && result.status === 126)
    ? 'skipped'
    : judgeTrap(truth, result, box, work);
}

/** ReproZip's own command line, without what it does after the trace; then its database. */
async function byReprozip(trap: Trap, command: string): Promise<Outcome> {
  const { box, work } = rooms(trap.name, 'reprozip');
  const argv = await buildTrap(trap, programs, box);
  if (argv === undefined || trap.name === 'client') return 'skipped';
  const said = join(work, 'truth');
  const stdout = openSync(said, 'a');
  const stdin = trap.stdin === undefined ? 'ignore' : openSync(join(box, trap.stdin), 'r');
  const folder = join(work, 'reprozip');
  const line = ['trace', '--dont-identify-packages', '--dont-find-inputs-outputs', '-d', folder, ...argv];
  const run = spawnSync(command, line, {
    cwd: box,
    env: { ...trapEnvironment, ...trap.env, HOME: work, REPROZIP_USAGE_STATS: 'off' },
    stdio: [stdin, stdout, 'ignore'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  closeSync(stdout);
  const database = join(folder, 'trace.sqlite3');
  if (run.status === 77) return 'skipped';
  if (run.error !== undefined || !existsSync(database)) return 'failed';
  return judgeDatabase(readTruth(said), database, box);
}

function judgeDatabase(truth: Truth, database: string, box: string): Outcome {
  using db = new DatabaseSync(database, { readOnly: true });
  const tables = db.prepare("select count(*) as count from sqlite_master where name = 'opened_files'").get();
  if (tables?.['count'] === 0) return 'failed'; // it gave up
  const opened = db.prepare('select name, mode from opened_files').all() as { name: string; mode: number }[];
  const executed = db.prepare('select name from executed_files').all() as { name: string }[];
  const found = new Map<string, number>();
  for (const { name, mode } of opened) for (const path of names(name)) found.set(path, (found.get(path) ?? 0) | mode);
  const programs = new Set(executed.flatMap(({ name }) => names(name)));
  const has = (what: string, path: string) =>
    what === 'executed'
      ? programs.has(path) || found.has(path)
      : ((found.get(path) ?? 0) & (modes[what as 'read'] ?? 0)) !== 0;
  const told = new Set(truth.map(([, path]) => path));
  const asked = truth.filter(([what, path]) => comparable.has(what) && isFile(path));
  const missed = asked.filter(([what, path]) => !has(what, path)).map((line) => line.join(' '));
  const wrong = [...found.keys()].filter(
    (path) => path.startsWith(`${box}/`) && !told.has(path) && !isThere(path) && !/\/XX\w{6}$/.test(path), // Perl's -i
  );
  return { missed: [...new Set(missed)], wrong };
}

/** A name of the database, and where it leads: either will do. */
function names(name: string): string[] {
  const path = posix.normalize(name);
  try {
    return [path, realpathSync(path)];
  } catch {
    return [path];
  }
}

/** What can be compared: files that are there at the end; a link or folder that was made is in no such database. */
function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function rooms(name: string, who: string): { readonly box: string; readonly work: string } {
  const box = join(place, who, name, 'box');
  const work = join(place, who, name, 'work');
  prepareBox(box);
  mkdirSync(work);
  return { box, work };
}

function print(): void {
  const failing = (outcomes: readonly (Outcome | undefined)[]) =>
    outcomes.filter(
      (outcome) =>
        outcome === 'failed' || (typeof outcome === 'object' && outcome.missed.length + outcome.wrong.length > 0),
    ).length;
  const summary = {
    traps: rows.length,
    failedByUs: failing(rows.map(({ ours }) => ours)),
    failedByReprozip: peer === undefined ? undefined : failing(rows.map(({ reprozip }) => reprozip)),
    reprozip: peer?.version,
    rows,
  };
  if (values.json) {
    process.stdout.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  const show = (outcome: Outcome | undefined) =>
    outcome === undefined
      ? '-'
      : typeof outcome === 'string'
        ? outcome
        : `${outcome.missed.length} missed, ${outcome.wrong.length} wrong`;
  for (const { name, ours, reprozip } of rows)
    process.stdout.write(`${name.padEnd(22)}${show(ours).padEnd(24)}${show(reprozip)}\n`);
  process.stdout.write(
    `failed of ${summary.traps}: ours ${summary.failedByUs}, ReproZip ${summary.reprozip ?? ''} ${summary.failedByReprozip ?? '(not to be had)'}\n`,
  );
}
rmSync(place, { recursive: true, force: true });
