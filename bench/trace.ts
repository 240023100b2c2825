/**
 * What tracing costs: each workload untraced, under bare strace with the arguments that we give it, through our tracer
 * with all of its post-processing, and through ReproZip's tracer (its database included), interleaved in one run.
 * Medians; each tool's own start-up (its time for /bin/true) is taken off.
 *
 * node bench/trace.ts [--json] [--rounds N] [--only NAME]
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import type { Argv } from '../src/model/index.ts';
import { straceArgv } from '../src/tracers/strace/argv.ts';
import { straceTracer } from '../src/tracers/strace/index.ts';
import { probeStrace } from '../src/tracers/strace/probe.ts';
import { need, scratch as makeScratch } from '../test/e2e/need.ts';
import { findReprozip } from './reprozip.ts';

interface Workload {
  readonly name: string;
  readonly argv: Argv;
  /** Removed before each run. */
  readonly makes?: readonly string[];
}

const tools = ['untraced', 'strace', 'ours', 'reprozip'] as const;
type Tool = (typeof tools)[number];

const env = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C.UTF-8', HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' };
const python = '/usr/bin/python3';
const reprozipScript = `
import sys
from reprozip import _pytracer
args = [a.encode() for a in sys.argv[1:]]
try:
    _pytracer.execute(args[1], args[1:], args[0])
except TypeError:  # older ones wanted a verbosity
    _pytracer.execute(args[1], args[1:], args[0], -1)
`;

let peer: Awaited<ReturnType<typeof findReprozip>>;

const { values, positionals } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '7' },
    only: { type: 'string' },
    one: { type: 'string' },
  },
  allowPositionals: true,
});
if (values.one === undefined) await main();
else await traceOnce(values.one, positionals as unknown as Argv);

async function main(): Promise<void> {
  await need('strace', 'gcc', 'libc6-dev', 'make', 'git', 'python3');
  const scratch = makeScratch('bench-trace', 2 ** 29);
  try {
    const workloads = prepare(scratch).filter(({ name }) => values.only === undefined || name === values.only);
    peer = await findReprozip(scratch);
    const usable = tools.filter((tool) => tool !== 'reprozip' || peer !== undefined);
    print(await measure(scratch, workloads, usable));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Each workload and /bin/true, by each tool, in turn: seconds. */
async function measure(scratch: string, workloads: readonly Workload[], usable: readonly Tool[]): Promise<Measured> {
  const trivial: Workload = { name: 'true', argv: ['/bin/true'] };
  const times = new Map<string, number[]>();
  const rounds = Number(values.rounds);
  for (let round = 0; round < rounds; round += 1)
    for (const workload of [trivial, ...workloads])
      for (let turn = 0; turn < usable.length; turn += 1) {
        const tool = usable[(round + turn) % usable.length] ?? 'untraced';
        for (const made of workload.makes ?? []) rmSync(join(scratch, made), { recursive: true, force: true });
        const key = `${workload.name}\0${tool}`;
        times.set(key, [...(times.get(key) ?? []), await run(tool, workload.argv, scratch)]);
      }
  const time = (name: string, tool: Tool) => median(times.get(`${name}\0${tool}`) ?? []);
  const rows = workloads.map(({ name }) => {
    const base = time(name, 'untraced');
    const ratio = (tool: Tool) => {
      const startUp = time('true', tool) - time('true', 'untraced');
      return (time(name, tool) - startUp) / base;
    };
    const traced = usable.filter((tool) => tool !== 'untraced');
    return { name, seconds: base, ratios: Object.fromEntries(traced.map((tool) => [tool, ratio(tool)])) };
  });
  return { rounds, rows };
}

interface Measured {
  readonly rounds: number;
  readonly rows: readonly {
    readonly name: string;
    readonly seconds: number;
    readonly ratios: Record<string, number>;
  }[];
}

function print({ rounds, rows }: Measured): void {
  const mean = (tool: Tool, of = rows) => geometricMean(of.map((row) => row.ratios[tool] ?? Number.NaN));
  const shared = rows.filter((row) => !Number.isNaN(row.ratios['reprozip'] ?? Number.NaN));
  const means = { strace: mean('strace'), ours: mean('ours'), reprozip: mean('reprozip', shared) };
  const summary = {
    rounds,
    reprozip: peer?.version,
    rows,
    geometricMeans: means,
    oursToStrace: means.ours / means.strace,
    // Over the workloads that ReproZip could trace.
    excessToReprozip: shared.length === 0 ? undefined : (mean('ours', shared) - 1) / (means.reprozip - 1),
    failedInReprozip: rows.filter((row) => Number.isNaN(row.ratios['reprozip'] ?? 0)).map(({ name }) => name),
  };
  if (values.json) {
    process.stdout.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  const line = (name: string, seconds: string, ratios: Record<string, number>) =>
    `${name.padEnd(24)}${seconds.padStart(10)}${['strace', 'ours', 'reprozip'].map((tool) => (ratios[tool]?.toFixed(2) ?? '-').padStart(10)).join('')}\n`;
  process.stdout.write(
    `${'workload'.padEnd(24)}${'seconds'.padStart(10)}${['strace', 'ours', 'reprozip'].map((tool) => tool.padStart(10)).join('')}\n`,
  );
  for (const row of rows) process.stdout.write(line(row.name, row.seconds.toFixed(3), row.ratios));
  process.stdout.write(line('geometric mean', '', means));
  process.stdout.write(`ours / the same bare strace: ${summary.oursToStrace.toFixed(3)} (wanted: at most 1.1)\n`);
  if (summary.excessToReprozip !== undefined)
    process.stdout.write(`excess / ReproZip's excess: ${summary.excessToReprozip.toFixed(3)} (wanted: at most 0.25)\n`);
  for (const name of summary.failedInReprozip) process.stdout.write(`ReproZip could not trace: ${name}\n`);
}

async function run(tool: Tool, argv: Argv, scratch: string): Promise<number> {
  const work = mkdtempSync(join(scratch, 'work-'));
  const log = join(work, 'strace.log');
  const probed = await probeStrace(new AbortController().signal);
  if (!probed.usable) throw new Error(probed.because);
  const commands: Record<Tool, Argv> = {
    untraced: argv,
    strace: straceArgv(probed.mode, argv, { log, stat: false, allowIoUring: false }),
    ours: [process.execPath, import.meta.filename, '--one', work, '--', ...argv],
    reprozip: [peer?.python ?? python, '-c', reprozipScript, join(work, 'trace.sqlite3'), ...argv],
  };
  const [program, ...args] = commands[tool];
  const begin = performance.now();
  const child = spawn(program, args, {
    cwd: scratch,
    env,
    stdio: ['ignore', 'ignore', tool === 'reprozip' ? 'ignore' : 'inherit'],
  });
  const [status] = (await once(child, 'exit')) as [number | null];
  const seconds = (performance.now() - begin) / 1000;
  if (status !== 0) {
    if (tool === 'reprozip') return Number.NaN; // there are programs that it can't trace
    throw new Error(`${argv.join(' ')} ended with status ${status} (${tool})`);
  }
  const told = tool === 'ours' ? Number(readFileSync(join(work, 'seconds'), 'utf8')) : seconds;
  rmSync(work, { recursive: true });
  return told;
}

/** Our tracer in a process of its own, as cold as a user has it; from the call to the result. */
async function traceOnce(work: string, argv: Argv): Promise<void> {
  const signal = new AbortController().signal;
  await straceTracer.probe(signal);
  const begin = performance.now();
  const result = await straceTracer.trace(argv, {
    cwd: process.cwd(),
    env,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'inherit',
    stat: false,
    work,
    onProgress: () => {},
    signal,
  });
  writeFileSync(join(work, 'seconds'), String((performance.now() - begin) / 1000));
  process.exitCode = result.status;
}

function prepare(scratch: string): readonly Workload[] {
  const tree = join(scratch, 'tree');
  for (let folder = 0; folder < 100; folder += 1) {
    mkdirSync(join(tree, `d${folder}`), { recursive: true });
    for (let file = 0; file < 30; file += 1)
      writeFileSync(join(tree, `d${folder}`, `f${file}.txt`), `file ${file} `.repeat(200));
  }
  const sources = join(scratch, 'sources');
  mkdirSync(sources);
  for (let file = 0; file < 24; file += 1)
    writeFileSync(
      join(sources, `f${file}.c`),
      `#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nint f${file}(int x) { printf("%d", x); return x; }\n`,
    );
  writeFileSync(join(sources, 'Makefile'), 'objects = $(patsubst %.c,%.o,$(wildcard *.c))\nall: $(objects)\n');
  writeFileSync(join(scratch, 'data'), Buffer.alloc(24_000_000, 'some words to pack, and some more of them\n'));
  writeFileSync(
    join(scratch, 'script.cjs'),
    'for (const m of ["http", "crypto", "zlib", "worker_threads"]) require(m);\n',
  );
  const git = (...args: string[]) =>
    spawnSync('git', ['-C', tree, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { env });
  git('init', '-q');
  git('add', '.');
  git('commit', '-q', '-m', 'all');
  spawnSync('tar', ['-cf', join(scratch, 'packed.tar'), '-C', scratch, 'tree']);
  const imports =
    'import json, sqlite3, xml.dom.minidom, multiprocessing, unittest, email, http.client, asyncio, decimal';
  const workloads: readonly Workload[] = [
    { name: 'cp -r, 3000 files', argv: ['cp', '-r', 'tree', 'copied'], makes: ['copied'] },
    { name: 'tar -c', argv: ['tar', '-cf', 'made.tar', 'tree'], makes: ['made.tar'] },
    { name: 'tar -x', argv: ['tar', '-xf', 'packed.tar', '--one-top-level=out'], makes: ['out'] },
    { name: 'make -j2, 24 × gcc', argv: ['make', '-s', '-B', '-j2', '-C', 'sources'] },
    { name: 'python3 imports', argv: [python, '-c', imports] },
    { name: 'python3 computes', argv: [python, '-c', 'sum(i * i for i in range(4000000))'] },
    { name: 'sh, 300 forks', argv: ['sh', '-c', 'i=0; while [ $i -lt 300 ]; do i=$((i+1)); /bin/true; done'] },
    { name: 'git status', argv: ['git', '-C', 'tree', '-c', 'safe.directory=*', 'status', '--porcelain'] },
    { name: 'git clone', argv: ['git', '-c', 'safe.directory=*', 'clone', '-q', 'tree', 'cloned'], makes: ['cloned'] },
    { name: 'dd bs=512', argv: ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=512', 'count=300000', 'status=none'] },
    { name: 'find', argv: ['find', '/usr/share', '-name', 'nothing'] },
    {
      name: 'awk | sort',
      argv: ['sh', '-c', "awk '{print NR % 1000, $1}' data | sort -n | uniq -c >sorted"],
      makes: ['sorted'],
    },
    { name: 'gzip', argv: ['sh', '-c', 'gzip -9 <data >data.gz'], makes: ['data.gz'] },
    { name: 'node', argv: [process.execPath, 'script.cjs'] },
  ];
  return workloads.filter(({ argv }) => !argv[0].startsWith('/') || existsSync(argv[0]));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
