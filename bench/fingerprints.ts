/**
 * One spec, one fingerprint: five real specs, created, verified and fingerprinted with every backend that can be used
 * here. Prints a table in Markdown; ends with 1 where a row has two fingerprints, or something does not verify.
 *
 * node bench/fingerprints.ts [SPEC|BACKEND …]: only these.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { backends } from '../src/backends/index.ts';
import type { Argv } from '../src/model/index.ts';
import { runProcess } from '../src/sessions/process.ts';
import { apptainerHere } from '../test/e2e/apptainer-here.ts';
import { commandIn } from '../test/e2e/command.ts';
import { makeChannel, rattlerIn } from '../test/e2e/conda-world.ts';
import { withDockerd } from '../test/e2e/dockerd.ts';
import { need, scratch } from '../test/e2e/need.ts';
import { needPodman } from '../test/e2e/podman.ts';
import { smallRoot } from '../test/e2e/roots.ts';
import { makeRpmWorld } from '../test/e2e/rpm-world.ts';
import { withSshd } from '../test/e2e/sshd.ts';
import { serve } from '../test/fakes/serve.ts';

interface Cell {
  readonly fingerprint?: string;
  readonly verified: boolean;
  readonly because?: string;
}

const wanted = process.argv.slice(2);
const isWanted = (name: string, all: readonly string[]) => {
  const asked = wanted.filter((word) => all.includes(word));
  return asked.length === 0 || asked.includes(name);
};
const folder = scratch('fingerprints', 8 * 2 ** 30);
const place = mkdtempSync('/srv/repronim-fingerprints-');
const ends: (() => Promise<void>)[] = [async () => rmSync(place, { recursive: true, force: true })];
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const said = (text: string) => process.stderr.write(`${text}\n`);

/** How each spec is made; the file that it is in. */
const specs: Readonly<Record<string, (file: string) => Promise<unknown>>> = {
  async debian(file) {
    const { directory } = await smallRoot();
    await repronim('trace', '--system', '--in', `root:${directory}`, '-o', file);
  },
  async numpy(file) {
    await need('strace', 'python3-numpy');
    const script = 'import numpy; print(numpy.arange(9).reshape(3, 3).trace())';
    await repronim('trace', '-o', file, '--', '/usr/bin/python3', '-c', script);
  },
  async venv(file) {
    await need('strace', 'git', 'python3-venv');
    const study = join(place, 'study');
    mkdirSync(study);
    writeFileSync(join(study, 'run.py'), 'import markupsafe._speedups, markupsafe\nprint(markupsafe.escape("<b>"))\n');
    writeFileSync(join(study, '.gitignore'), 'env\n');
    const git = ['git', '-C', study, '-c', 'user.name=a', '-c', 'user.email=a@example.org'] as const;
    await run(...git, 'init', '-q', '-b', 'main');
    await run(...git, 'add', '-A');
    await run(...git, 'commit', '-q', '-m', 'one');
    await run('/usr/bin/python3', '-m', 'venv', join(study, 'env'));
    await run(join(study, 'env/bin/pip'), '--disable-pip-version-check', '-q', 'install', 'markupsafe==3.0.2');
    await repronim('trace', '-o', file, '--', join(study, 'env/bin/python'), join(study, 'run.py'));
  },
  async conda(file) {
    await need('strace');
    await makeChannel(join(folder, 'channel'));
    const served = await serve(join(folder, 'channel'));
    ends.push(async () => await served[Symbol.asyncDispose]());
    const prefix = join(place, 'conda');
    await (await rattlerIn(folder)).install(served.url, prefix, ['pure >=0.5', 'python']);
    await repronim('trace', '-o', file, '--', join(prefix, 'bin/pure-cli'));
  },
  async rpm(file) {
    const { root } = await makeRpmWorld(folder);
    await repronim('trace', '--in', `root:${root}`, '-o', file, '--path', '/usr/bin/sample');
  },
};

/** What each backend is to be told on a machine that has nothing set up for it. */
const ready: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  docker: async () => [`host=${await withDockerd({ after: (end) => ends.unshift(end) })}`],
  async podman() {
    await needPodman();
    return [];
  },
  async apptainer() {
    return [`program=${await apptainerHere()}`];
  },
  async schroot() {
    await need('schroot');
    return [];
  },
  async ssh() {
    const server = await withSshd();
    ends.unshift(async () => await server[Symbol.asyncDispose]());
    return ['host=there', `folder=${server.folder}/state`, `config=${server.config}`];
  },
};

let exitCode = 1;
try {
  exitCode = (await table()) ? 0 : 1;
} finally {
  for (const end of ends) await end();
}
process.exitCode = exitCode;

async function table(): Promise<boolean> {
  const files = new Map<string, string>();
  for (const [name, make] of Object.entries(specs)) {
    if (!isWanted(name, Object.keys(specs))) continue;
    const file = join(folder, `${name}.yaml`);
    said(`tracing ${name}`);
    await make(file);
    files.set(name, file);
  }
  const columns: string[] = [];
  const cells = new Map<string, Map<string, Cell>>([...files.keys()].map((name) => [name, new Map()]));
  // `native` changes the machine that it is on
  const names = backends.map(({ name }) => name).filter((name) => name !== 'native');
  for (const backend of names.filter((name) => isWanted(name, names))) {
    let set: readonly string[];
    try {
      set = (await ready[backend]?.()) ?? [];
    } catch (error) {
      said(`without ${backend}: ${(error as Error).message}`);
      continue;
    }
    columns.push(backend);
    for (const [name, file] of files) {
      const cell = await look(name, file, backend, set);
      said(`${name} on ${backend}: ${cell.because ?? cell.fingerprint}`);
      cells.get(name)?.set(backend, cell);
    }
  }
  const lines = [
    `| spec | ${columns.join(' | ')} | one fingerprint |`,
    `|---${columns.map(() => '|---').join('')}|---|`,
    ...[...cells].map(([name, row]) => {
      const shown = columns.map((column) => show(row.get(column)));
      return `| ${name} | ${shown.join(' | ')} | ${isOne(row) ? 'yes' : '**no**'} |`;
    }),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return [...cells.values()].every(isOne);
}

async function look(name: string, file: string, backend: string, set: readonly string[]): Promise<Cell> {
  const instance = `${name}-${backend}`;
  const words = set.flatMap((pair) => ['--set', pair]);
  try {
    const created = await asked('create', instance, file, '-b', backend, ...words);
    if (created.status !== 0) return { verified: false, because: created.stderr.trim() };
    const verified = await asked('verify', instance);
    const { stdout } = await asked('fingerprint', instance);
    const fingerprint = /sha256:[0-9a-f]{64}/.exec(stdout)?.[0];
    return {
      verified: verified.status === 0,
      ...(fingerprint === undefined ? {} : { fingerprint }),
      ...(verified.status === 0 ? {} : { because: verified.stdout + verified.stderr }),
    };
  } finally {
    await asked('delete', '--yes', instance);
  }
}

function isOne(row: ReadonlyMap<string, Cell>): boolean {
  const found = [...row.values()];
  return (
    found.every(({ verified, fingerprint }) => verified && fingerprint !== undefined) &&
    new Set(found.map(({ fingerprint }) => fingerprint)).size === 1
  );
}

function show(cell: Cell | undefined): string {
  if (cell?.fingerprint === undefined) return 'failed';
  const short = `\`${cell.fingerprint.slice(7, 19)}\``;
  return cell.verified ? short : `${short}, not verified`;
}

async function asked(...words: readonly string[]) {
  return await commandIn(join(folder, 'home'), passedOn())(...words);
}

async function repronim(...words: readonly string[]): Promise<void> {
  const { status, stderr } = await asked(...words);
  if (status !== 0) throw new Error(`repronim ${words.join(' ')}: ${stderr}`);
}

async function run(...argv: Argv): Promise<void> {
  await runProcess(argv, { env: { PATH: path, LC_ALL: 'C.UTF-8', HOME: folder, ...passedOn() }, cwd: place });
}

/** What a person would have told pip on this machine. */
function passedOn(): Record<string, string> {
  const names = /^(?:https?|no)_proxy$|^PIP_|_CERT|^SSL_/i;
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value = '']) => (names.test(name) ? [[name, value]] : [])),
  );
}
