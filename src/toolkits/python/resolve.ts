import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

import { byBytes, UserError } from '../../model/index.ts';
import type { CreateContext } from '../../contract/index.ts';
import { CommandFailed } from '../../sessions/process.ts';
import { askPip, downloadByPip, type Question } from './ask-pip.ts';
import type { Indexes } from './index-page.ts';
import type { LayTarget } from './lay.ts';
import { indexesFor } from './obtain-wheels.ts';
import { normalizeName } from './metadata.ts';
import { remoteZip } from './remote-zip.ts';
import type { Reported } from './report.ts';
import { parseRequirement, satisfies, type Requirement } from './requirement.ts';
import { isWheelPackage, seeds, type PythonLock, type PythonPackage, type PythonSpec } from './spec.ts';
import { writeStandIns } from './stand-ins.ts';
import { changedTree, tracedTree } from './traced-tree.ts';
import { compareVersions } from './version.ts';
import { parseWheelName } from './wheel.ts';

/**
 * From names to exact wheels, by pip's own resolver on this machine: wheels only, so nothing of a stranger's is
 * executed. What is held and still satisfies stays, but for `renew`; also what only a traced tree has.
 */
export async function resolvePackages(
  wish: PythonSpec,
  python: string,
  held: PythonLock | undefined,
  context: CreateContext,
  renew: true | readonly string[],
  target: LayTarget,
): Promise<Omit<PythonLock, 'of'>> {
  const requirements = (wish.packages ?? []).map(requirementOf);
  const traced = held?.python === python ? await tracedTree(wish, held, context.store) : undefined;
  const own = traced === undefined ? [] : (held?.packages ?? []).filter((one) => !isWheelPackage(one));
  const staying = heldConstraints(held, own, requirements, renew);
  const named = new Set(requirements.map(({ name }) => name));
  // nobody asks for them, and an environment keeps them all the same
  const kept = (held?.packages ?? []).flatMap(({ name, version }) =>
    seeds.has(normalizeName(name)) && !named.has(normalizeName(name))
      ? [renew === true ? name : `${name}==${version}`]
      : [],
  );
  if (requirements.length + kept.length === 0) return { python, packages: [] };
  await mkdir(context.work, { recursive: true });
  const folder = await mkdtemp(join(context.work, 'pip-'));
  try {
    // this machine's own settings count first, also for what a login is known to
    const indexes = await indexesFor(wish, context);
    if (traced !== undefined) await writeStandIns(own, traced.texts, folder);
    const question = (more: readonly string[], constraints: readonly string[]): Question => ({
      wish: { ...wish, packages: [...(wish.packages ?? []), ...more] },
      python,
      constraints,
      folder,
    });
    const run = async (...asked: Parameters<typeof question>) => await askPip(question(...asked), context);
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
    const wished = report.map((one) => ({ ...one, requested: one.requested && named.has(normalizeName(one.name)) }));
    const packages: PythonPackage[] = [];
    const others: Reported[] = [];
    for (const one of wished) {
      const row = own.find(({ name, version }) => isOne(one, name, version));
      if (row === undefined) others.push(one);
      else packages.push({ ...without(row, 'requested'), ...(one.requested ? { requested: true } : {}) });
    }
    const locked = await lockAll(others, question([], []), indexes, context).catch((error: unknown) => {
      throw asUserError(error, wish);
    });
    packages.push(...locked);
    packages.sort((a, b) => byBytes(normalizeName(a.name), normalizeName(b.name)));
    if (traced === undefined || held === undefined) return { python, packages };
    const tree = await changedTree(wish, traced, { was: held.packages, is: packages }, target, context);
    return { python, prefix: wish.path, packages, ...tree };
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

function isOne(reported: Reported, name: string, version: string): boolean {
  return normalizeName(reported.name) === normalizeName(name) && compareVersions(reported.version, version) === 0;
}

function without(row: PythonPackage, key: 'requested'): PythonPackage {
  const { [key]: _, ...rest } = row;
  return rest;
}

function heldConstraints(
  held: PythonLock | undefined,
  own: readonly PythonPackage[],
  requirements: readonly Requirement[],
  renew: true | readonly string[],
): string[] {
  if (held === undefined || renew === true) return [];
  const renewed = new Set(renew.map(normalizeName));
  const wished = new Map(requirements.map((one) => [one.name, one]));
  return [...held.packages.filter(isWheelPackage), ...own].flatMap(({ name, version }) => {
    const key = normalizeName(name);
    const wish = wished.get(key);
    if (renewed.has(key) || (wish !== undefined && !satisfies(wish, version))) return [];
    return [`${name}==${version}`];
  });
}

/** Each package as a row; what our own client can't look at, pip gets. */
async function lockAll(
  report: readonly Reported[],
  question: Question,
  indexes: Indexes,
  context: CreateContext,
): Promise<PythonPackage[]> {
  const packages: PythonPackage[] = [];
  const closed: Reported[] = [];
  for (const one of report) {
    const row = await lockOne(one, indexes, context);
    if (row === undefined) closed.push(one);
    else packages.push(row);
  }
  if (closed.length === 0) return packages;
  const words = closed.map(({ name, version }) => `${name}==${version}`);
  const files = await downloadByPip(words, question, context);
  for (const { name, version, sha256, requested } of closed) {
    const path = files.find((file) => isWheelOf(posix.basename(file), name, version));
    if (path === undefined) throw new UserError(`pip got no wheel of ${name} ${version}`);
    const added = await context.store.addFile(path);
    if (sha256 !== undefined && added.sha256 !== sha256)
      throw new UserError(`the wheel of ${name} ${version} is not what its index says`);
    const row = { name, version, file: posix.basename(path), size: added.size, sha256: added.sha256 };
    packages.push({ ...row, ...(requested ? { requested: true } : {}) });
  }
  return packages;
}

function isWheelOf(file: string, name: string, version: string): boolean {
  const wheel = parseWheelName(file);
  return wheel?.name === normalizeName(name) && compareVersions(wheel.version.replaceAll('_', '-'), version) === 0;
}

/** Undefined where what is needed to know of it can't be looked at. */
async function lockOne(
  { name, version, url, sha256, requested }: Reported,
  indexes: Indexes,
  context: CreateContext,
): Promise<PythonPackage | undefined> {
  if (sha256 === undefined) return undefined;
  const { files } = await indexes.filesOf(normalizeName(name));
  const listed = files.find((file) => file.sha256 === sha256);
  const file = listed?.file ?? decodeURIComponent(posix.basename(URL.parse(url)?.pathname ?? ''));
  if (parseWheelName(file) === undefined) throw new UserError(`${name} ${version} has no wheel: ${file}`);
  const size = listed?.size ?? (await sizeOf(url, sha256, context));
  return size === undefined
    ? undefined
    : { name, version, file, size, sha256, ...(requested ? { requested: true } : {}) };
}

/** In bytes. A file of this machine (`find-links`) is put into the store: no index may have it. */
async function sizeOf(url: string, sha256: string, { signal, store }: CreateContext): Promise<number | undefined> {
  if (!url.startsWith('file://')) {
    try {
      return (await remoteZip(url, undefined, signal)).size;
    } catch (error) {
      if (error instanceof UserError) return undefined;
      throw error;
    }
  }
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
