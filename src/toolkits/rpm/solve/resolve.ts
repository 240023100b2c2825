import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import type { CreateContext } from '../../../contract/index.ts';
import { byBytes, UserError } from '../../../model/index.ts';
import { openWorkshop } from '../../apt/solve/workshop.ts';
import { nativeArchitecture } from '../lay/bootstrap.ts';
import { wanted } from '../lay/wanted.ts';
import { parseWish, type PackageWish } from '../names.ts';
import { lockedKeys, type RpmLock, type RpmLocked, type RpmSpec } from '../spec.ts';
import { compareVersions, parseEvr, satisfies } from '../version.ts';
import { fetchRepository, layRepository, type FetchedRepository } from './repositories.ts';
import { solve, type Solved } from './solve.ts';
import { sourcesFor } from './sources.ts';

/** What a root that can install itself has, where the repositories have it. */
const essential: readonly string[] = ['system-release', 'filesystem', 'setup', 'bash', 'coreutils', 'rpm'];

/**
 * A wish to a lock, by dnf's solver on an empty system: the base that every root needs, the listed packages, and what
 * these depend on. What is held and still satisfies stays.
 */
export async function resolve(
  wish: RpmSpec,
  held: RpmLock | undefined,
  context: CreateContext,
  renew: true | readonly string[],
): Promise<Omit<RpmLock, 'of'>> {
  const wishes = (wish.packages ?? []).flatMap((text) => parseWish(text) ?? []);
  const architecture = wish.architecture ?? nativeArchitecture();
  if (architecture === undefined) {
    throw new UserError(`nothing says for which architecture, and rpm has no name for ${process.arch}`, {
      status: 2,
      hint: 'add "architecture: …"',
    });
  }
  const release = wish.release ?? '';
  const sources = await sourcesFor(wish, held, architecture, context);
  const repositories: FetchedRepository[] = [];
  for (const source of sources) {
    context.onProgress({ step: 'resolve', what: `lists of ${source.name}` });
    repositories.push(await fetchRepository(source, context));
  }
  const staying = stayingOf(held, wishes, renew);
  await using workshop = await openWorkshop(context);
  for (const [index, repository] of repositories.entries())
    layRepository(repository, join(workshop.folder, `r${index}`));
  const files = await layHeld(staying, wish, held, workshop.folder, context);
  const solved = await solve(
    {
      architecture,
      release,
      repositories: sources.map(({ name, priority }, index) => ({
        id: name,
        folder: `r${index}`,
        ...(priority === undefined ? {} : { priority }),
      })),
      wishes,
      essential,
      held: staying.map(({ name, version, architecture: of }) => [name, version, of]),
      files,
      modules: wish.modules ?? [],
      weak: wish.recommends === true,
    },
    workshop,
  );
  const packages = await toLocked(solved, repositories, staying, wishes);
  const { packages: _, sources: __, of: ___, ...rest } = held ?? { packages: [], of: 'sha256:' };
  const kept = keptOf(held, packages);
  return {
    ...rest,
    ...kept,
    database: held?.database ?? databaseOf(wish),
    packages,
    ...(wish.sources === undefined ? { sources } : {}),
  };
}

/** What is held and is let stay. */
function stayingOf(
  held: RpmLock | undefined,
  wishes: readonly PackageWish[],
  renew: true | readonly string[],
): readonly RpmLocked[] {
  if (held === undefined || renew === true) return [];
  return held.packages.filter(
    (one) =>
      !renew.includes(one.name) &&
      wishes.every(
        ({ name, architecture, relation, version }) =>
          name !== one.name ||
          (architecture ?? one.architecture) !== one.architecture ||
          relation === undefined ||
          satisfies(parseEvr(one.version), relation, parseEvr(version ?? '')),
      ),
  );
}

/** Versions that the repositories may not have any more: their .rpm files are given to the solver. */
async function layHeld(
  staying: readonly RpmLocked[],
  wish: RpmSpec,
  held: RpmLock | undefined,
  folder: string,
  context: CreateContext,
): Promise<string[]> {
  if (held === undefined || staying.length === 0) return [];
  const { keys: _, changed: __, ...rest } = held;
  await context.fetch(await wanted(wish, { ...rest, packages: staying }, context));
  mkdirSync(join(folder, 'held'));
  const files: string[] = [];
  for (const [index, { sha256 }] of staying.entries()) {
    const file = await context.store.find(sha256);
    if (file === undefined) continue;
    files.push(`held/${index}.rpm`);
    copyFileSync(file, join(folder, 'held', `${index}.rpm`));
  }
  return files;
}

async function toLocked(
  solved: readonly Solved[],
  repositories: readonly FetchedRepository[],
  staying: readonly RpmLocked[],
  wishes: readonly PackageWish[],
): Promise<RpmLocked[]> {
  const names = new Set(solved.map(({ name }) => name));
  const offers = new Map(
    await Promise.all(
      repositories.map(async ({ source, offers: of }) => [source.name, await of((name) => names.has(name))] as const),
    ),
  );
  const packages = solved.map(({ name, version, architecture, repository, location }): RpmLocked => {
    const same = staying.find(
      (one) => one.name === name && one.architecture === architecture && one.version === version,
    );
    const wished = wishes.some((one) => one.name === name && (one.architecture ?? architecture) === architecture);
    const why = wished ? 'manual' : essential.includes(name) ? 'essential' : 'required';
    if (same !== undefined) return { ...same, why: same.why === 'used' && wished ? 'used' : why };
    const found = offers.get(repository)?.find((one) => one.location === location && one.version === version);
    if (found === undefined) throw new UserError(`${name} ${version} is in no list by its sha256`, { status: 4 });
    return {
      name,
      version,
      architecture,
      from: repository,
      path: found.location,
      size: found.size,
      sha256: found.sha256,
      why,
      ...(wished ? { manual: true } : {}),
    };
  });
  return packages.sort(
    (a, b) => byBytes(a.name, b.name) || byBytes(a.architecture, b.architecture) || byBytes(a.version, b.version),
  );
}

/** What a trace found besides packages stays with the packages that it belongs to. */
function keptOf(held: RpmLock | undefined, packages: readonly RpmLocked[]): Partial<RpmLock> {
  if (held?.changed === undefined) return {};
  const keys = new Set(lockedKeys(packages));
  return { changed: held.changed.filter((one) => keys.has(one.package)) };
}

/** Where and how a release has its database; an rpm that writes another form writes that. */
function databaseOf({ vendor, release = '' }: RpmSpec): RpmLock['database'] {
  const isFedora = vendor === 'fedora';
  const path = isFedora && compareVersions(release, '36') >= 0 ? '/usr/lib/sysimage/rpm' : '/var/lib/rpm';
  const isOld = release !== '' && compareVersions(release, isFedora ? '33' : '9') < 0;
  return { path, format: isOld ? 'bdb' : 'sqlite' };
}
