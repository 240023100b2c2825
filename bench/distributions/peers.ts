import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { runProcess } from '../../src/sessions/process.ts';
import type { Argv } from '../../src/model/index.ts';

/** What another program needs for the same files; milliseconds. */
export interface Peer {
  readonly name: string;
  readonly ms: number;
  /** Of so many files. */
  readonly files: number;
  /** What it found: files with an owner, or packages. */
  readonly found: number;
}

const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C.UTF-8', HOME: '/nonexistent' };

/** `rpm -qf` of some of the files in batches of 1,000, on a database that rpm itself has indexed. */
export async function rpmPeer(root: string, all: readonly string[]): Promise<Peer | undefined> {
  if (!isHere('rpm')) return undefined;
  const database = ['--dbpath', join(root, 'var/lib/rpm')];
  const plain = ['--nodigest', '--nosignature'];
  await runProcess(['rpm', ...database, '--define', '_vsflags_rebuilddb 0xf7fff', '--rebuilddb'], { env });
  const files = all.slice(0, 5000); // it is slow
  const started = performance.now();
  let found = 0;
  for (let at = 0; at < files.length; at += 1000) {
    const batch = files.slice(at, at + 1000);
    const argv: Argv = ['rpm', ...database, ...plain, '-qf', '--qf', '%{NAME}\\n', '--', ...batch];
    const { stdout } = await runProcess(argv, { env, accept: 'any' });
    found += stdout.toString('latin1').match(/^package-/gm)?.length ?? 0;
  }
  return { name: '`rpm -qf`, 1,000 at a time', ms: performance.now() - started, files: files.length, found };
}

const python = {
  /** Reads every RECORD as importlib.metadata does, then looks each file up. */
  record: `
import importlib.metadata, os, sys, time
site, files = sys.argv[1], sys.stdin.read().split('\\n')
t = time.perf_counter()
owners = {}
for one in importlib.metadata.distributions(path=[site]):
    for file in one.files or []:
        owners[os.path.normpath(one.locate_file(file))] = one.metadata['Name']
found = sum(file in owners for file in files)
print((time.perf_counter() - t) * 1000, found)`,
  /** Reads every record of a prefix, then looks each file up. */
  conda: `
import glob, json, os, sys, time
top, files = sys.argv[1], sys.stdin.read().split('\\n')
t = time.perf_counter()
owners = {}
for name in glob.glob(top + '/conda-meta/*.json'):
    with open(name) as file:
        record = json.load(file)
    owners[name] = record['name']
    for path in record['files']:
        owners[os.path.join(top, path)] = record['name']
found = sum(file in owners for file in files)
print((time.perf_counter() - t) * 1000, found)`,
} as const;

/** The same in Python, without starting it counted in. */
export async function pythonPeer(
  which: keyof typeof python,
  folder: string,
  files: readonly string[],
): Promise<Peer | undefined> {
  if (!isHere('python3')) return undefined;
  const argv: Argv = ['python3', '-c', python[which], folder];
  const { stdout } = await runProcess(argv, { env, input: files.join('\n') });
  const [ms = Number.NaN, found = 0] = stdout.toString().trim().split(' ').map(Number);
  const name = which === 'record' ? 'importlib.metadata' : "Python's json";
  return { name, ms, files: files.length, found };
}

/** Another program that lists what it has, in one go: packages, keys. */
export async function listPeer(argv: Argv, cwd: string, files: number, one: RegExp): Promise<Peer | undefined> {
  if (!isHere(argv[0])) return undefined;
  const started = performance.now();
  const { stdout } = await runProcess(argv, { env, cwd, accept: 'any', limit: 1 << 28 });
  const ms = performance.now() - started;
  const found = stdout.toString('latin1').match(one)?.length ?? 0;
  return { name: `\`${argv.slice(0, 3).join(' ')}\``, ms, files, found };
}

function isHere(program: string): boolean {
  return env.PATH.split(':').some((folder) => existsSync(join(folder, program)));
}
