import { release } from 'node:os';

import { byBytes, UserError } from '../../model/index.ts';
import { cutChannel } from './address.ts';
import { nameOf } from './history.ts';
import { loadRattler, type Rattler, type Solved } from './rattler.ts';
import type { CondaPackage, CondaSpec } from './spec.ts';

/** What is to be solved. */
export interface Problem {
  /** Match specs. */
  readonly words: readonly string[];
  readonly channels: readonly string[];
  readonly platform: string;
  readonly virtual: Readonly<Record<string, string>>;
  /** Locked packages that should stay where they can. */
  readonly held: readonly CondaPackage[];
}

export interface Solution {
  /** Sorted by name. */
  readonly packages: readonly CondaPackage[];
  /** What packages ask of the system. */
  readonly needs: readonly string[];
}

/**
 * Packages that satisfy all, by the channels' own metadata and rattler's solver. What is held stays where it can: first
 * with all of it, then with what was asked for, then without. What nobody needs any more goes.
 */
export async function solve(problem: Problem): Promise<Solution> {
  const rattler = loadRattler();
  if (rattler === undefined) {
    throw new UserError('conda: loose packages can not be resolved: @conda-org/rattler is not installed', {
      status: 4,
      hint: 'npm install @conda-org/rattler; or trace an environment that is there',
    });
  }
  const asked = new Set(problem.words.flatMap((word) => nameOf(word) ?? []));
  const archived = problem.held.filter(({ repacked }) => repacked !== true);
  const attempts = [archived, archived.filter(({ name }) => asked.has(name)), []];
  const given = givenOf(problem);
  let failure: unknown;
  for (const [index, pins] of attempts.entries()) {
    if (index > 0 && pins.length === attempts[index - 1]?.length) continue;
    try {
      return await solveWith(rattler, problem, pins, given);
    } catch (error) {
      failure = error;
    }
  }
  const said = (failure instanceof Error ? failure.message : String(failure)).trim().split('\n');
  throw new UserError('conda: there is no set of packages that satisfies all that is asked for', {
    status: 2,
    details: said.slice(0, 40),
  });
}

/** What this machine has of what packages ask of a system, as conda detects it. */
export function detectVirtual(): Readonly<Record<string, string>> {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const glibc = header?.glibcVersionRuntime;
  const kernel = /^\d+(?:\.\d+)*/.exec(release())?.[0];
  return {
    __archspec: '1',
    ...(glibc === undefined ? {} : { __glibc: glibc }),
    ...(kernel === undefined ? {} : { __linux: kernel }),
    __unix: '0',
  };
}

/** The subdir of channels for this machine's processor. */
export function detectPlatform(): NonNullable<CondaSpec['platform']> {
  const names: Readonly<Record<string, string>> = { arm64: 'aarch64', ia32: '32', ppc64: 'ppc64le', s390x: 's390x' };
  return `linux-${names[process.arch] ?? '64'}`;
}

async function solveWith(
  rattler: Rattler,
  { words, channels, platform, held }: Problem,
  pins: readonly CondaPackage[],
  given: readonly Solved[],
): Promise<Solution> {
  const specs = [...words, ...pins.map(({ name, version, build }) => `${name} ==${version} ${build}`)];
  const solved = await rattler.simpleSolve(specs, channels, [platform, 'noarch'], given);
  const kept = held.filter(({ repacked }) => repacked === true);
  const needed = reachable(
    words.flatMap((word) => nameOf(word) ?? []),
    solved,
  );
  // what only this machine has does not tell what it needs: all that is held may be
  for (const { name } of kept.length > 0 ? pins : []) needed.add(name);
  const requested = new Map(words.map((word) => [nameOf(word) ?? '', word]));
  const packages: CondaPackage[] = [];
  const needs = new Set<string>();
  for (const one of solved) {
    if (one.packageName.startsWith('__') || !needed.has(one.packageName)) continue;
    const own = kept.find(({ name }) => name === one.packageName);
    packages.push(own ?? toRow(one, requested.get(one.packageName)));
    for (const word of one.depends ?? []) if (word.startsWith('__')) needs.add(word);
  }
  return {
    packages: packages.sort((a, b) => byBytes(a.name, b.name)),
    needs: [...needs].sort(byBytes),
  };
}

function reachable(from: readonly string[], solved: readonly Solved[]): Set<string> {
  const byName = new Map(solved.map((one) => [one.packageName, one]));
  const found = new Set<string>();
  const queue = [...from];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    for (const word of byName.get(name)?.depends ?? []) queue.push(nameOf(word) ?? '');
  }
  return found;
}

function toRow(one: Solved, requested: string | undefined): CondaPackage {
  const { packageName: name, version, build, filename: file, sha256, md5, size, subdir = 'noarch' } = one;
  if (sha256 === undefined || size === undefined) {
    throw new UserError(`conda: the channel has no sha256 or size of ${name} ${version}`, { status: 2 });
  }
  return {
    name,
    version,
    build,
    channel: cutChannel(one.url.slice(0, -`/${subdir}/${file}`.length)),
    subdir,
    file,
    size: Number(size),
    ...(md5 === undefined ? {} : { md5 }),
    sha256,
    ...(requested === undefined ? {} : { requested }),
  };
}

/** Candidates that no channel has: what the system is, and packages that only this machine has. */
function givenOf({ virtual, held, channels, platform }: Problem): Solved[] {
  const repoName = `${channels[0] ?? 'http://localhost'}/`;
  const record = (name: string, version: string, build: string): Solved => {
    const filename = `${name}-${version}-${build}.conda`;
    const url = `${repoName}${platform}/${filename}`;
    const common = { url, packageName: name, version, build, buildNumber: 0, repoName, filename };
    return { ...common, subdir: platform, depends: [] };
  };
  return [
    ...Object.entries(virtual).map(([name, version]) => record(name, version, '0')),
    ...held.filter(({ repacked }) => repacked === true).map(({ name, version, build }) => record(name, version, build)),
  ];
}
