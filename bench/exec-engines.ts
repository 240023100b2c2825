/**
 * `repronim exec NAME -- true` in an instance that runs, on each backend, next to the engine's own exec and
 * `repronim --version`: whole processes, one at a time, taking turns; the least of the rounds.
 *
 * node bench/exec-engines.ts [--json] [--rounds N] [BACKEND …]; `npm run build` first.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import type { InstanceRecord } from '../src/contract/index.ts';
import { apptainerHere } from '../test/e2e/apptainer-here.ts';
import { startDockerd } from '../test/e2e/dockerd.ts';
import { need } from '../test/e2e/need.ts';
import { needPodman } from '../test/e2e/podman.ts';

type Command = readonly [string, ...string[]];

/** An engine that is ready: what `create` is told, and the engine's own way into an instance of ours. */
interface Ready {
  readonly set: readonly string[];
  own(record: string): Command;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '15' } },
});
const bundle = resolve(import.meta.dirname, '../dist/cli.js');
if (!existsSync(bundle)) throw new Error('dist/cli.js is not there: npm run build');
const home = mkdtempSync(join(tmpdir(), 'repronim-bench-'));
const env = { ...process.env, REPRONIM_HOME: home };
const cli = (...words: readonly string[]): Command => [process.execPath, bundle, ...words];
const ends: (() => Promise<void>)[] = [];

const engines: Readonly<Record<string, () => Promise<Ready>>> = {
  chroot: async () => ({ set: [], own: (record) => ['chroot', treeOf(record), '/bin/true'] }),
  async docker() {
    const host = await startDockerd({ after: (end) => ends.push(end) });
    return { set: [`host=${host}`], own: () => ['docker', '-H', host, 'exec', 'repronim-bench-docker', '/bin/true'] };
  },
  async podman() {
    await needPodman();
    return { set: [], own: () => ['podman', 'exec', 'repronim-bench-podman', '/bin/true'] };
  },
  async apptainer() {
    const program = await apptainerHere();
    return {
      set: [`program=${program}`],
      own(record) {
        // it starts no tree but one of its own making
        must([program, '--silent', 'build', '--sandbox', join(home, 'own'), treeOf(record)]);
        must([program, '--silent', 'instance', 'start', join(home, 'own'), 'bench']);
        ends.push(async () => void must([program, '--silent', 'instance', 'stop', 'bench']));
        return [program, '--silent', 'exec', 'instance://bench', '/bin/true'];
      },
    };
  },
  async schroot() {
    await need('schroot');
    return {
      set: [],
      own(record) {
        const session = String(recordIn(record).facts['session']);
        return ['schroot', '--run-session', `--chroot=session:${session}`, '--directory=/', '--', '/bin/true'];
      },
    };
  },
};

try {
  const spec = join(home, 'true.yaml');
  must(cli('trace', '-q', '-o', spec, '--', 'true'));
  const rows = [];
  for (const name of positionals.length > 0 ? positionals : Object.keys(engines)) {
    const ready = await engines[name]?.();
    if (ready !== undefined) rows.push(compare(name, ready, spec));
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ rounds: Number(values.rounds), rows })}\n`);
  for (const row of values.json ? [] : rows) {
    process.stdout.write(
      `${row.backend.padEnd(10)} exec ${shown(row.exec)}, --version ${shown(row.version)}, ${row.own} ${shown(row.ownExec)}: beyond both ${shown(row.beyond)}\n`,
    );
  }
} finally {
  for (const end of ends.reverse()) await end();
  rmSync(home, { recursive: true, force: true });
}

function compare(backend: string, { set, own }: Ready, spec: string) {
  const name = `bench-${backend}`;
  must(cli('create', '-q', '-b', backend, ...set.flatMap((pair) => ['--set', pair]), name, spec));
  try {
    must(cli('start', '-q', name));
    const ownCommand = own(join(home, 'state/instances', `${name}.json`));
    const commands = { exec: cli('exec', name, '--', 'true'), version: cli('--version'), ownExec: ownCommand };
    const least = { exec: Infinity, version: Infinity, ownExec: Infinity };
    for (let round = 0; round <= Number(values.rounds); round += 1) {
      for (const [what, command] of Object.entries(commands)) {
        const ms = must(command);
        // the first round fills caches
        if (round > 0) least[what as keyof typeof least] = Math.min(least[what as keyof typeof least], ms);
      }
    }
    return { backend, own: ownCommand[0], ...least, beyond: least.exec - least.version - least.ownExec };
  } finally {
    must(cli('delete', '--yes', name));
  }
}

/** How many milliseconds it took. */
function must([program, ...args]: Command): number {
  const started = performance.now();
  const { status, stderr } = spawnSync(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const ms = performance.now() - started;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr.toString()}`);
  return ms;
}

function recordIn(file: string): InstanceRecord {
  return (JSON.parse(readFileSync(file, 'utf8')) as { value: InstanceRecord }).value;
}

function treeOf(file: string): string {
  return join(home, 'data/rootfs', recordIn(file).image.rootfs);
}

function shown(milliseconds: number): string {
  return `${milliseconds.toFixed(0)} ms`;
}
