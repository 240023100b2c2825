/**
 * Runs every benchmark, one after the other, and writes docs/performance.md: `npm run bench`. Each figure stands beside
 * a peer's of the same run; absolute times are this machine's, ratios are what is meant.
 *
 * node bench/run.ts [NAME …]: only these, printed and not written.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import { join, resolve } from 'node:path';

interface Row {
  readonly what: string;
  readonly ours: string;
  readonly peer: string;
  readonly ratio: string;
  readonly goal: string;
  readonly met: boolean | undefined;
}

// each bench prints its own shape; what it is called here is checked by reading it
type Result = Record<string, any>; // oxlint-disable-line typescript/no-explicit-any

const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(2)} s`;
const least = (result: Result, what: string): number =>
  (result['rows'] as readonly { what: string; ms: number }[]).find((row) => row.what.startsWith(what))?.ms ??
  Number.NaN;

const benches: Readonly<Record<string, (result: Result) => readonly Row[]>> = {
  start: (r) => [
    row(
      '`repronim --help`, beyond a bare `node -e 0`',
      `${r['helpBeyondNode'].toFixed(0)} ms`,
      '',
      '',
      '≤ 30 ms',
      r['helpBeyondNode'] <= 30,
    ),
    row(
      '`repronim exec NAME -- true`, beyond `repronim --version`',
      `${r['execBeyondVersion'].toFixed(0)} ms`,
      '',
      '',
      '≤ 30 ms',
      r['execBeyondVersion'] <= 30,
    ),
  ],
  trace: (r) => [
    row(
      `slowdown of a traced command, geometric mean of ${r['rows'].length} workloads`,
      r['geometricMeans'].ours.toFixed(2),
      `bare strace ${r['geometricMeans'].strace.toFixed(2)}`,
      r['oursToStrace'].toFixed(2),
      '≤ 1.1',
      r['oursToStrace'] <= 1.1,
    ),
    ...(r['excessToReprozip'] === undefined
      ? []
      : [
          row(
            'the same, excess over 1',
            (r['geometricMeans'].ours - 1).toFixed(2),
            `ReproZip ${(r['geometricMeans'].reprozip - 1).toFixed(2)}`,
            r['excessToReprozip'].toFixed(2),
            '≤ 0.25',
            r['excessToReprozip'] <= 0.25,
          ),
        ]),
  ],
  'trace-log': (r) => [
    row(
      `reading a log of ${(r['lines'] / 1e6).toFixed(0)} M lines`,
      `${Math.round(r['linesPerSecond'] / 1000)} k lines/s, ${Math.round(r['megabytesAtMost'])} MB`,
      '',
      '',
      '≥ 300 k lines/s, ≤ 200 MB',
      r['linesPerSecond'] >= 3e5 && r['megabytesAtMost'] <= 200,
    ),
  ],
  traps: (r) => [
    row(
      `programs that try to be missed, of ${r['traps']}: not traced rightly`,
      String(r['failedByUs']),
      `ReproZip ${r['failedByReprozip'] ?? 'not to be had'}`,
      '',
      '0',
      r['failedByUs'] === 0,
    ),
  ],
  attribution: (r) => [
    row(
      'whose are these? Queries after indexing',
      `${(r['query_files_per_s'] / 1e6).toFixed(2)} M files/s`,
      '',
      '',
      '≥ 1 M files/s',
      r['query_files_per_s'] >= 1e6,
    ),
    row(
      'the same for 100 k files, indexing included',
      `${r['total_ms_per_100k_files']} ms`,
      `batched \`dpkg-query -S\`, all ${r['files']} files: ${seconds(r['dpkg_query_ms'])}`,
      `${r['faster']}× faster`,
      '≤ 500 ms',
      r['total_ms_per_100k_files'] <= 500,
    ),
  ],
  distributions: (r) => {
    const k = (rate: number) => `${Math.round(rate / 1000)} k`;
    const names: Readonly<Record<string, string>> = { redhat: 'rpm', venv: 'RECORD', conda: 'conda', npm: 'npm' };
    const rows = r['rows'] as readonly Result[];
    const annex = rows.find((one) => one['type'] === 'annex') ?? {};
    return [
      ...rows
        .filter((one) => one['goal'] !== undefined)
        .map((one) =>
          row(
            `whose are these ${k(one['files'])} files? ${names[one['type']]}, queries after ${Math.round(one['index_ms'])} ms of indexing`,
            `${k(one['files_per_s'])} files/s (by the clock ${k(one['files_per_s_by_clock'])})`,
            one['peer'] === undefined
              ? ''
              : `${one['peer'].name}, indexing included: ${k((one['peer'].files * 1000) / one['peer'].ms)} files/s`,
            '',
            `≥ ${k(one['goal'])} files/s`,
            one['files_per_s'] >= one['goal'],
          ),
        ),
      row(
        `1,000 mixed files of ${r['mixed'].types.length} distributions, what each is included`,
        `${Math.round(r['mixed'].attribute_cpu_ms)} ms (by the clock ${Math.round(r['mixed'].attribute_ms)} ms)`,
        '',
        '',
        '≤ 1 s',
        r['mixed'].attribute_cpu_ms <= 1000,
      ),
      row(
        'processes that `trace --path` of these starts',
        `${r['children']['trace of 1000 files']} (of 100 files: ${r['children']['trace of 100 files']})`,
        '',
        '',
        '< 10',
        r['children']['trace of 1000 files'] < 10,
      ),
      row(
        `git-annex: where the content of ${annex['files']} keys is`,
        `${(annex['query_cpu_ms'] / annex['files']).toFixed(2)} ms a key (by the clock ${(annex['query_ms'] / annex['files']).toFixed(2)} ms)`,
        annex['peer'] === undefined
          ? ''
          : `${annex['peer'].name}: ${(annex['peer'].ms / annex['files']).toFixed(2)} ms, without reading the content`,
        '',
        '≤ 0.74 ms',
        annex['query_cpu_ms'] / annex['files'] <= 0.74,
      ),
    ];
  },
  rootfs: (r) => [
    row(
      `a root of ${r['packages']} packages from the store, equal fingerprints`,
      `${r['repronim_s'].toFixed(2)} s`,
      `mmdebstrap ${r['mmdebstrap_s'].toFixed(2)} s`,
      r['ratio'].toFixed(2),
      '≤ 0.33',
      r['ratio'] <= 1 / 3,
    ),
  ],
  exec: (r) => [
    row(
      'chroot: an instance from a built rootfs',
      `${least(r, 'chroot: launch')} ms`,
      '',
      '',
      '≤ 1 s',
      least(r, 'chroot: launch') <= 1000,
    ),
  ],
  'second-backend': (r) =>
    (r['rows'] as readonly Result[])
      .filter((one) => one['backend'] !== 'chroot') // stands under `exec`: what it has to beat is a second
      .map((one) =>
        row(
          `${one['what']}: an instance from a built rootfs`,
          seconds(one['ms']),
          `\`${one['own']}\` ${seconds(one['ownMs'])}`,
          String(one['ratio']),
          '≤ 1.3',
          one['ratio'] <= 1.3,
        ),
      ),
  'exec-engines': (r) =>
    (r['rows'] as readonly Result[]).map((one) =>
      row(
        `${one['backend']}: exec, beyond \`--version\` and the engine's own`,
        `${one['beyond'].toFixed(0)} ms`,
        `\`${one['own']}\` ${one['ownExec'].toFixed(0)} ms`,
        '',
        '≤ 30 ms',
        one['beyond'] <= 30,
      ),
    ),
  verify: (r) => {
    const of = (name: string) =>
      r['measured'].find((one: { name: string }) => one.name.startsWith(name))?.milliseconds ?? Number.NaN;
    return [
      row(
        `verify a root of ${r['files']} files`,
        seconds(of('repronim verify')),
        `\`dpkg --verify\` ${seconds(of('dpkg'))}, debsums ${seconds(of('debsums'))} (md5 only)`,
        '',
        '≤ 3 s',
        of('repronim verify') <= 3000,
      ),
    ];
  },
};

const top = resolve(import.meta.dirname, '..');
const asked = process.argv.slice(2);
const names = asked.length > 0 ? asked : Object.keys(benches);
const rows: Row[] = [];
for (const name of names) {
  process.stderr.write(`bench     ${name}\n`);
  const done = spawnSync(process.execPath, [join(top, 'bench', `${name}.ts`), '--json'], {
    cwd: top,
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 26,
  });
  const line = done.stdout.toString('utf8').trim().split('\n').at(-1) ?? '';
  try {
    rows.push(...(benches[name]?.(JSON.parse(line) as Result) ?? []));
  } catch (error) {
    process.stderr.write(`          ${name} failed with ${done.status}: ${String(error)}\n`);
    process.exitCode = 1;
  }
}
const table = [
  '| what | repronim | beside it | ratio | goal | |',
  '|---|---|---|---|---|---|',
  ...rows.map(
    ({ what, ours, peer, ratio, goal, met }) =>
      `| ${what} | ${ours} | ${peer} | ${ratio} | ${goal} | ${met === true ? 'met' : 'missed'} |`,
  ),
].join('\n');
process.stdout.write(`${table}\n`);
if (asked.length === 0 && process.exitCode !== 1) {
  const file = join(top, 'docs/performance.md');
  const [before = '', after = ''] = readFileSync(file, 'utf8').split(/<!-- table -->[^]*<!-- end -->/);
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Linux ${release().split('-')[0] ?? ''}, Node ${process.versions.node}`;
  writeFileSync(file, `${before}<!-- table -->\n${machine}\n\n${table}\n<!-- end -->${after}`);
}

function row(what: string, ours: string, peer: string, ratio: string, goal: string, met: boolean): Row {
  return { what, ours, peer, ratio, goal, met };
}
