import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { UserError, type Argv, type PackageId } from '../../model/index.ts';
import type { CreateContext } from '../../contract/index.ts';
import { withLogin } from '../../archives/logins.ts';
import { runProcess } from '../../sessions/process.ts';
import { parseReport, type Reported } from './report.ts';
import type { PythonSpec } from './spec.ts';

/** Where it is not known what glibc there will be: what older systems than the newest have. */
const usualGlibc = 28;

/** What is asked of pip. */
export interface Question {
  readonly wish: Pick<PythonSpec, 'packages' | 'indexes'>;
  /** The version of the Python that it is for. */
  readonly python: string;
  /** Requirements that hold where what they name is installed. */
  readonly constraints: readonly string[];
  /** For files of ours; wheels that lie in it count, too. */
  readonly folder: string;
}

/**
 * pip's installation report (pip 22.2 and later) of what it would install for that Python on this kind of machine.
 * Wheels only: nothing of a stranger's is executed. Throws CommandFailed.
 */
export async function askPip(question: Question, context: CreateContext): Promise<readonly Reported[]> {
  const { wish, constraints, folder } = question;
  const limits = join(folder, 'constraints.txt');
  await writeFile(limits, constraints.map((line) => `${line}\n`).join(''));
  const report = join(folder, 'report.json');
  context.onProgress({ step: 'resolve', what: `${wish.packages?.length ?? 0} packages of Python, by pip` });
  const options = ['--dry-run', '--ignore-installed', `--report=${report}`, `--target=${join(folder, 'target')}`];
  await runPip('install', [...options, `--constraint=${limits}`], wish.packages ?? [], question, context);
  return parseReport(await readFile(report));
}

/** The wheels of these very packages, as files: for places that only pip has a key to. Throws CommandFailed. */
export async function downloadByPip(
  packages: readonly string[],
  question: Question,
  context: CreateContext,
): Promise<readonly string[]> {
  const got = join(question.folder, 'got');
  context.onProgress({ step: 'resolve', what: `${packages.length} wheels, by pip` });
  await runPip('download', ['--no-deps', `--dest=${got}`], packages, question, context);
  return (await readdir(got)).map((file) => join(got, file));
}

/** pip knows tags of another Python than its own, but not what markers are for that: they are told. */
const program = `
import runpy, sys
from pip._vendor.packaging import markers
wanted, own = sys.argv.pop(1), markers.default_environment
full = wanted if wanted.count('.') > 1 else own()['python_full_version'] if own()['python_version'] == wanted else wanted + '.0'
markers.default_environment = lambda: {**own(), 'python_version': '.'.join(full.split('.')[:2]), 'python_full_version': full, 'implementation_version': full}
sys.argv[0] = 'pip'
runpy.run_module('pip', run_name='__main__')
`;

async function runPip(
  verb: 'install' | 'download',
  options: readonly string[],
  words: readonly string[],
  { wish, python, folder }: Question,
  context: CreateContext,
): Promise<void> {
  const argv: Argv = [
    await findPython(python, context),
    '-c',
    program,
    python,
    verb,
    '--quiet',
    '--no-input',
    '--disable-pip-version-check',
    '--only-binary=:all:',
    `--python-version=${python}`,
    '--implementation=cp',
    `--find-links=${folder}`,
    ...platforms(glibcOf(context.base)).map((platform) => `--platform=${platform}`),
    ...options,
    '--',
    ...words,
  ];
  const [index, ...others] = (wish.indexes ?? []).map(withLogin);
  const env = {
    ...Object.fromEntries(
      Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined),
    ),
    // not as arguments, which everybody on this machine can read
    ...(index === undefined ? {} : { PIP_INDEX_URL: index, PIP_EXTRA_INDEX_URL: others.join(' ') }),
  };
  await runProcess(argv, { env, cwd: folder, signal: context.signal, timeoutMs: 600_000 });
}

/** A Python of this machine that has pip; one of the same version knows best what that needs. */
async function findPython(python: string, { signal }: CreateContext): Promise<string> {
  const minor = /^\d+\.\d+/.exec(python)?.[0] ?? '3';
  const env = { ...process.env } as Record<string, string>;
  for (const program of [`python${minor}`, `/usr/bin/python${minor}`, 'python3', '/usr/bin/python3']) {
    const options = { env, accept: 'any', signal, timeoutMs: 60_000 } as const;
    const { status, stdout } = await runProcess([program, '-m', 'pip', '--version'], options);
    const [, major] = /^pip (\d+)\./.exec(stdout.toString()) ?? [];
    if (status === 0 && Number(major) >= 23) return program;
  }
  throw new UserError('packages of Python are resolved by pip (23 or later), and there is none here', {
    status: 4,
    hint: 'install python3-pip',
  });
}

/** Of the base, by its package: `2.36-9+deb12u14` is 36. */
function glibcOf(base: readonly PackageId[] | undefined): number {
  const package_ = base?.find(({ key, name = key }) => /^(?:libc6|glibc)(?:[:.]\w+)?$/.test(key) || name === 'libc6');
  return Number(/^(?:\d+:)?2\.(\d+)/.exec(package_?.version ?? '')?.[1] ?? usualGlibc);
}

/** Tags of the kinds of Linux that wheels are made for (PEP 600). */
function platforms(glibc: number): string[] {
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const found: string[] = [];
  for (let minor = glibc; minor >= 17; minor -= 1) found.push(`manylinux_2_${minor}_${machine}`);
  found.push(`manylinux2014_${machine}`);
  if (machine === 'x86_64')
    found.push('manylinux_2_12_x86_64', 'manylinux2010_x86_64', 'manylinux_2_5_x86_64', 'manylinux1_x86_64');
  return [...found, `linux_${machine}`];
}
