import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

import { byBytes, UserError, type Argv } from '../../model/index.ts';
import type { CreateContext } from '../../contract/index.ts';
import { CommandFailed, runProcess } from '../../sessions/process.ts';
import { indexesFor } from './obtain-wheels.ts';
import { normalizeName } from './metadata.ts';
import { remoteZip } from './remote-zip.ts';
import { parseReport, type Reported } from './report.ts';
import { parseRequirement, satisfies, type Requirement } from './requirement.ts';
import { isWheelPackage, seeds, type PythonLock, type PythonPackage, type PythonSpec } from './spec.ts';
import { parseWheelName } from './wheel.ts';

/** The newest glibc whose wheels are taken: what older systems than the newest have. */
const newestGlibc = 28;

/**
 * From names to exact wheels, by pip's own resolver on this machine: wheels only, so nothing of a stranger's is
 * executed. What is held and still satisfies stays, but for `renew`.
 */
export async function resolvePackages(
  wish: PythonSpec,
  python: string,
  held: PythonLock | undefined,
  context: CreateContext,
  renew: true | readonly string[],
): Promise<Omit<PythonLock, 'of'>> {
  const requirements = (wish.packages ?? []).map(requirementOf);
  if (requirements.length === 0) return { python, packages: [] };
  const staying = heldConstraints(held, requirements, renew);
  const named = new Set(requirements.map(({ name }) => name));
  // nobody asks for them, and an environment keeps them all the same
  const kept = (held?.packages ?? []).flatMap(({ name, version }) =>
    seeds.has(normalizeName(name)) && !named.has(normalizeName(name))
      ? [renew === true ? name : `${name}==${version}`]
      : [],
  );
  await mkdir(context.work, { recursive: true });
  const folder = await mkdtemp(join(context.work, 'pip-'));
  try {
    const run = async (more: readonly string[], constraints: readonly string[]) =>
      await askPip({ ...wish, packages: [...(wish.packages ?? []), ...more] }, python, constraints, folder, context);
    let report: readonly Reported[];
    try {
      report = await run(kept, staying);
    } catch (error) {
      if (!(error instanceof CommandFailed) || staying.length + kept.length === 0) throw asUserError(error, wish);
      // what is held stands in the way of what is asked for
      report = await run([], []).catch((again: unknown) => {
        throw asUserError(again, wish);
      });
    }
    const packages: PythonPackage[] = [];
    const indexes = await indexesFor(wish, context);
    for (const one of report) {
      const requested = one.requested && named.has(normalizeName(one.name));
      packages.push(await lockOne({ ...one, requested }, indexes, context));
    }
    return { python, packages: packages.sort((a, b) => byBytes(normalizeName(a.name), normalizeName(b.name))) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function requirementOf(text: string): Requirement & { readonly text: string } {
  const found = parseRequirement(text);
  if (found !== undefined) return { ...found, text };
  throw new UserError(`"${text}" is no package of Python with versions`, {
    status: 2,
    hint: 'such as nibabel, nilearn==0.10.4, or "nibabel>=5,<6"',
  });
}

function heldConstraints(
  held: PythonLock | undefined,
  requirements: readonly Requirement[],
  renew: true | readonly string[],
): string[] {
  if (held === undefined || renew === true) return [];
  const renewed = new Set(renew.map(normalizeName));
  const wished = new Map(requirements.map((one) => [one.name, one]));
  return held.packages.filter(isWheelPackage).flatMap(({ name, version }) => {
    const key = normalizeName(name);
    const wish = wished.get(key);
    if (renewed.has(key) || (wish !== undefined && !satisfies(wish, version))) return [];
    return [`${name}==${version}`];
  });
}

/** pip's installation report (pip 22.2 and later) of what it would install for that Python on this kind of machine. */
async function askPip(
  wish: PythonSpec,
  python: string,
  constraints: readonly string[],
  folder: string,
  context: CreateContext,
): Promise<readonly Reported[]> {
  const program = await findPip(python, context);
  const file = join(folder, 'constraints.txt');
  await writeFile(file, constraints.map((line) => `${line}\n`).join(''));
  const [index, ...others] = wish.indexes ?? [];
  const argv: Argv = [
    ...program,
    'install',
    '--dry-run',
    '--ignore-installed',
    '--quiet',
    '--no-input',
    '--disable-pip-version-check',
    '--only-binary=:all:',
    `--report=${join(folder, 'report.json')}`,
    `--target=${join(folder, 'target')}`,
    `--constraint=${file}`,
    `--python-version=${python}`,
    '--implementation=cp',
    ...platforms().map((platform) => `--platform=${platform}`),
    ...(index === undefined ? [] : [`--index-url=${index}`]),
    ...others.map((other) => `--extra-index-url=${other}`),
    '--',
    ...(wish.packages ?? []),
  ];
  context.onProgress({ step: 'resolve', what: `${wish.packages?.length ?? 0} packages of Python, by pip` });
  const env = Object.fromEntries(
    Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
  await runProcess(argv, { env, cwd: folder, signal: context.signal, timeoutMs: 600_000 });
  return parseReport(await readFile(join(folder, 'report.json')));
}

/** A pip of this machine; one of the same version of Python knows best what that needs. */
async function findPip(python: string, { signal }: CreateContext): Promise<Argv> {
  const minor = /^\d+\.\d+/.exec(python)?.[0] ?? '3';
  const env = { ...process.env } as Record<string, string>;
  for (const program of [`python${minor}`, `/usr/bin/python${minor}`, 'python3', '/usr/bin/python3']) {
    const argv: Argv = [program, '-m', 'pip'];
    const { status, stdout } = await runProcess([...argv, '--version'], {
      env,
      accept: 'any',
      signal,
      timeoutMs: 60_000,
    });
    const [, major] = /^pip (\d+)\./.exec(stdout.toString()) ?? [];
    if (status === 0 && Number(major) >= 23) return argv;
  }
  throw new UserError('packages of Python are resolved by pip (23 or later), and there is none here', {
    status: 4,
    hint: 'install python3-pip',
  });
}

/** Tags of the kinds of Linux that wheels are made for (PEP 600). */
function platforms(): string[] {
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const found: string[] = [];
  for (let minor = newestGlibc; minor >= 17; minor -= 1) found.push(`manylinux_2_${minor}_${machine}`);
  found.push(`manylinux2014_${machine}`);
  if (machine === 'x86_64')
    found.push('manylinux_2_12_x86_64', 'manylinux2010_x86_64', 'manylinux_2_5_x86_64', 'manylinux1_x86_64');
  return [...found, `linux_${machine}`];
}

async function lockOne(
  { name, version, url, sha256, requested }: Reported,
  indexes: Awaited<ReturnType<typeof indexesFor>>,
  context: CreateContext,
): Promise<PythonPackage> {
  const { files } = await indexes.filesOf(normalizeName(name));
  const listed = files.find((file) => file.sha256 === sha256);
  const file = listed?.file ?? decodeURIComponent(posix.basename(URL.parse(url)?.pathname ?? ''));
  if (parseWheelName(file) === undefined) throw new UserError(`${name} ${version} has no wheel: ${file}`);
  const size = listed?.size ?? (await sizeOf(url, sha256, context));
  return { name, version, file, size, sha256, ...(requested ? { requested: true } : {}) };
}

/** In bytes. A file of this machine (`find-links`) is put into the store: no index may have it. */
async function sizeOf(url: string, sha256: string, { signal, store }: CreateContext): Promise<number> {
  if (!url.startsWith('file://')) return (await remoteZip(url, undefined, signal)).size;
  const added = await store.addFile(fileURLToPath(url));
  if (added.sha256 !== sha256) throw new UserError(`${url} is not what pip said it is`);
  return added.size;
}

/** What pip said, in its last lines. */
function asUserError(error: unknown, wish: PythonSpec): unknown {
  if (!(error instanceof CommandFailed)) return error;
  return new UserError(`pip finds no wheels for ${wish.id ?? wish.type}`, {
    status: 4,
    details: error.details.filter((line) => /^ERROR|^ {2}|^\s*The /.test(line)).slice(0, 12),
    hint: 'only wheels are taken; what has none is traced where it is installed',
  });
}
