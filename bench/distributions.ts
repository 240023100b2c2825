/**
 * Whose are these? Every distribution of packages with a scratch root of its own making, next to a peer in one run;
 * then 1,000 mixed files through all distributions, and how many processes that starts. Where other work shares the
 * machine, the processor's time of this process (all its threads) says more than the clock: both are given.
 *
 * node bench/distributions.ts [--json] [--small]
 */
import { loadavg, tmpdir } from 'node:os';
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';

import { openStore } from '../src/archives/store.ts';
import type { TraceContext } from '../src/contract/index.ts';
import { distributions } from '../src/distributions/index.ts';
import { attribute } from '../src/flows/attribute.ts';
import { localRoot } from '../src/roots/local.ts';
import { runProcess } from '../src/sessions/process.ts';
import { childrenStarted } from './distributions/count-children.ts';
import { listPeer, pythonPeer, rpmPeer, type Peer } from './distributions/peers.ts';
import { layAnnex, layConda, layGit, layNpm, layRpm, layVenv } from './distributions/scratch.ts';

const rounds = 5;
/** A run uses files of so many packages, not one of each. */
const usedRpms = 40;
const venvTop = '/home/me/venv';
const [condaTop, npmTop, gitTop, annexTop] = ['/opt/conda', '/home/me/study', '/home/me/code', '/data/set'];
const share = process.argv.includes('--small') ? 10 : 1;
const scratch = mkdtempSync(join(tmpdir(), 'repronim-bench-'));
const store = openStore(join(scratch, 'store'));
const children: Record<string, number> = {};
const goals: Readonly<Record<string, number>> = { redhat: 400_000, venv: 500_000, npm: 500_000, conda: 300_000 };
try {
  const single = [...(await packages()), await annexed()];
  const mixed = await mixedFiles();
  const result = { rows: single, mixed, children, load: loadavg().map((one) => round(one)) };
  if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(result)}\n`);
  else show(result);
  const [few, many] = [children['trace of 100 files'] ?? 0, children['trace of 1000 files'] ?? 0];
  if (many > few || many >= 10) {
    process.stderr.write(`distributions: tracing 1000 files starts ${many} processes, 100 files ${few}\n`);
    process.exitCode = 1;
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

interface Row {
  readonly type: string;
  readonly files: number;
  readonly owned: number;
  /** Medians. */
  readonly index_ms: number;
  readonly query_ms: number;
  /** The same in time of the processor: of a machine that has other work. */
  readonly query_cpu_ms: number;
  /** By the processor's time, and by the clock. */
  readonly files_per_s: number;
  readonly files_per_s_by_clock: number;
  readonly goal?: number;
  readonly peer?: Peer;
}

async function packages(): Promise<Row[]> {
  const top = join(scratch, 'large');
  const rpm = layRpm(top, { packages: 1000 / share, each: 100 }, 0);
  const venv = layVenv(top, venvTop, { packages: 300 / share, each: 250 });
  const conda = layConda(top, condaTop, { packages: 250 / share, each: 400 }, false);
  const npm = layNpm(top, npmTop, { packages: 1500 / share, each: 34 });
  const site = join(top, venvTop, 'lib/python3.11/site-packages');
  const onDisk = (files: readonly string[]) => files.map((path) => top + path);
  const peers = {
    redhat: await rpmPeer(top, rpm.files),
    venv: await pythonPeer('record', site, onDisk(venv.files)),
    conda: await pythonPeer('conda', join(top, condaTop), onDisk(conda.files)),
    npm: await listPeer(['npm', 'ls', '--all', '--json'], join(top, npmTop), npm.files.length, /"version":/g),
  };
  const parts = { redhat: rpm, venv, conda, npm };
  const rows: Row[] = [];
  for (const type of ['redhat', 'venv', 'conda', 'npm'] as const)
    rows.push(await measure(type, top, parts[type].files, peers[type]));
  return rows;
}

/** Rounds with roots and contexts that know nothing yet: the first question makes the index. */
async function measure(type: string, top: string, files: readonly string[], peer?: Peer): Promise<Row> {
  const distribution = distributionOf(type);
  const [index, query, cpu]: number[][] = [[], [], []];
  let owned = 0;
  for (let one = 0; one < rounds; one++) {
    const root = localRoot(top);
    const context = contextOf(false);
    const started = performance.now();
    await distribution.claim(files.slice(0, 1), root, context);
    const indexed = performance.now();
    const before = process.cpuUsage();
    const claimed = await distribution.claim(files, root, context);
    query?.push(performance.now() - indexed);
    const { user, system } = process.cpuUsage(before);
    cpu?.push((user + system) / 1000);
    index?.push(indexed - started);
    owned = claimed.size;
  }
  const [ms, work] = [median(query ?? []), median(cpu ?? [])];
  return {
    type,
    files: files.length,
    owned,
    index_ms: round(median(index ?? [])),
    query_ms: round(ms),
    query_cpu_ms: round(work),
    files_per_s: Math.round((files.length * 1000) / work),
    files_per_s_by_clock: Math.round((files.length * 1000) / ms),
    ...(goals[type] === undefined ? {} : { goal: goals[type] }),
    ...(peer === undefined ? {} : { peer }),
  };
}

/** Of git-annex, what takes time is to say of each key where it is: `describe`. */
async function annexed(): Promise<Row> {
  const top = join(scratch, 'annexed');
  const { files } = await layAnnex(top, annexTop, 2500 / share);
  const all = withObjects(top, files);
  const distribution = distributionOf('annex');
  const [index, query, cpu]: number[][] = [[], [], []];
  for (let one = 0; one < rounds; one++) {
    const root = localRoot(top);
    const context = contextOf(false);
    const started = performance.now();
    const owned = await distribution.claim(all, root, context);
    const indexed = performance.now();
    const before = process.cpuUsage();
    await distribution.describe(owned, root, context);
    query?.push(performance.now() - indexed);
    const { user, system } = process.cpuUsage(before);
    cpu?.push((user + system) / 1000);
    index?.push(indexed - started);
  }
  const peer = await listPeer(['git', 'annex', 'whereis', '--json'], join(top, annexTop), files.length, /"key":/g);
  const [ms, work] = [median(query ?? []), median(cpu ?? [])];
  return {
    type: 'annex',
    files: files.length,
    owned: files.length,
    index_ms: round(median(index ?? [])),
    query_ms: round(ms),
    query_cpu_ms: round(work),
    files_per_s: Math.round((files.length * 1000) / work),
    files_per_s_by_clock: Math.round((files.length * 1000) / ms),
    ...(peer === undefined ? {} : { peer }),
  };
}

/** 1,000 files of everything: claims and descriptions of the whole registry, and a whole `trace --path`. */
async function mixedFiles() {
  const top = join(scratch, 'mixed');
  const parts = {
    rpm: layRpm(top, { packages: 1000 / share, each: 100 }, usedRpms),
    venv: layVenv(top, venvTop, { packages: 60, each: 250 }),
    conda: layConda(top, condaTop, { packages: 100, each: 100 }, true),
    npm: layNpm(top, npmTop, { packages: 300, each: 34 }),
    git: await layGit(top, gitTop, 2000),
    annex: await layAnnex(top, annexTop, 500),
  };
  const amounts = { rpm: 250, venv: 200, conda: 150, npm: 150, git: 150, annex: 50 };
  const pick = (of: number) =>
    Object.entries(amounts).flatMap(([type, many]) => {
      const { files: all } = parts[type as keyof typeof parts];
      const files = type === 'rpm' ? all.slice(0, usedRpms * 100) : all;
      const every = Math.floor(files.length / many);
      const picked = Array.from({ length: Math.floor((many * of) / 1000) }, (_, one) => files[one * every] ?? '');
      return type === 'annex' ? withObjects(top, picked) : picked;
    });
  const files = pick(1000);
  const [claims, whole, cpu]: number[][] = [[], [], []];
  const counts: number[] = [];
  let owned = 0;
  const types = new Set<string>();
  for (let one = 0; one < rounds; one++) {
    const root = localRoot(top);
    const context = contextOf(false);
    const started = performance.now();
    for (const distribution of distributions) await distribution.claim(files, root, context);
    claims?.push(performance.now() - started);
    const fresh = contextOf(false);
    const before = childrenStarted();
    const used = process.cpuUsage();
    const at = performance.now();
    const attributed = await attribute(files, localRoot(top), distributions, fresh);
    whole?.push(performance.now() - at);
    const { user, system } = process.cpuUsage(used);
    cpu?.push((user + system) / 1000);
    counts.push(childrenStarted() - before);
    owned = files.filter((path) => attributed.owned.has(path)).length;
    for (const { type } of attributed.described) types.add(type);
  }
  children['attribute of 1000 files'] = Math.max(...counts);
  children['trace of 100 files'] = (await traced(top, pick(100))).children;
  const { ms, children: many } = await traced(top, files);
  children['trace of 1000 files'] = many;
  return {
    files: files.length,
    owned,
    types: [...types].sort(),
    claims_ms: round(median(claims ?? [])),
    attribute_ms: round(median(whole ?? [])),
    attribute_cpu_ms: round(median(cpu ?? [])),
    trace_ms: round(ms),
  };
}

/** What a person types; everything is kept. */
async function traced(top: string, files: readonly string[]): Promise<{ ms: number; children: number }> {
  const count = join(scratch, 'children');
  const home = mkdtempSync(join(scratch, 'home-'));
  const started = performance.now();
  await runProcess(
    [
      process.execPath,
      '--import',
      resolve(import.meta.dirname, 'distributions/count-children.ts'),
      resolve(import.meta.dirname, '../src/cli/main.ts'),
      'trace',
      '--path',
      '-',
      '--in',
      `root:${top}`,
      '-o',
      join(home, 'repronim.yaml'),
    ],
    {
      cwd: scratch,
      input: files.join('\n'),
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: home, REPRONIM_HOME: home, BENCH_CHILDREN: count },
    },
  );
  return { ms: performance.now() - started, children: Number(readFileSync(count, 'utf8')) };
}

/** A run that reads an annexed file reads the link and what it leads to. */
function withObjects(top: string, links: readonly string[]): string[] {
  const objects = links.map((path) => posix.join(posix.dirname(path), readlinkSync(top + path)));
  return [...links, ...objects].sort();
}

function contextOf(keep: boolean): TraceContext {
  const { signal } = new AbortController();
  return { store, onProgress: () => {}, signal, settings: () => ({}), scope: 'used', keep, whole: [] };
}

function distributionOf(type: string) {
  const found = distributions.find((one) => one.type === type);
  if (found === undefined) throw new Error(`no distribution ${type}`);
  return found;
}

function show({
  rows,
  mixed,
  load,
}: {
  rows: readonly Row[];
  mixed: Awaited<ReturnType<typeof mixedFiles>>;
  load: readonly number[];
}) {
  const lines = rows.map(
    ({ type, files, owned, index_ms, query_ms, query_cpu_ms, files_per_s, files_per_s_by_clock, peer }) =>
      `${type.padEnd(8)}${[files, owned, index_ms, query_ms, query_cpu_ms, files_per_s, files_per_s_by_clock].map(pad).join('')}   ${peer === undefined ? '' : `${peer.name}: ${Math.round(peer.ms)} ms (${peer.found} of ${peer.files})`}`,
  );
  process.stdout.write(
    [
      `medians of ${rounds}, load ${load.join(' ')}; annex: query is describe, files are keys`,
      `        ${['files', 'owned', 'index ms', 'query ms', 'cpu ms', 'files/s cpu', 'files/s'].map((one) => one.padStart(11)).join('')}`,
      ...lines,
      `${mixed.files} mixed files, ${mixed.owned} owned, of ${mixed.types.join(', ')}: claims ${mixed.claims_ms} ms, attribute() ${mixed.attribute_ms} ms (${mixed.attribute_cpu_ms} of the processor's), trace --path ${mixed.trace_ms} ms`,
      `child processes: ${Object.entries(children)
        .map(([what, many]) => `${what} ${many}`)
        .join(', ')}`,
      '',
    ].join('\n'),
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function pad(value: number): string {
  return value.toLocaleString('en').padStart(11);
}
