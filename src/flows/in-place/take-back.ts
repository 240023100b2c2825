import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { byBytes } from '../../model/index.ts';
import type { AnyBackend, Session } from '../../contract/index.ts';
import type { InstanceValue } from '../../inventory/inventory.ts';
import type { Claim } from '../../inventory/shelf.ts';
import { writeWhole } from '../../formats/write-whole.ts';
import { contextOf, type Hall } from '../house.ts';
import type { MadePath } from './lay.ts';
import { forgetReplaced, putBack } from './replaced.ts';

const list = 'made';

/** Writes down what is going to be made, in an instance's own folder. */
export async function writeMade(folder: string, made: readonly MadePath[]): Promise<void> {
  await writeWhole(join(folder, list), made.map((one) => `${JSON.stringify(one)}\n`).join(''));
}

/** What was written down: also of a making that was interrupted. */
export function readMade(folder: string): readonly MadePath[] | undefined {
  const file = join(folder, list);
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as MadePath);
}

/**
 * Takes away what an instance's making has laid over a place that was there before, as far as there is any. Says what
 * stays.
 */
export async function takeBackFrom(
  claim: Claim<InstanceValue>,
  backend: AnyBackend,
  params: unknown,
  hall: Hall,
): Promise<void> {
  if (backend.open === undefined || readMade(claim.folder) === undefined) return;
  const record = async () => {};
  const session = await backend.open(params, { ...contextOf(hall), state: claim.folder, record });
  if (session === undefined) return;
  await using place = session;
  const left = await takeBack(claim.folder, place, claim.held.status !== 'made');
  if (left.length === 0) return;
  const shown = left.slice(0, 10);
  hall.onProgress({
    step: 'delete',
    finished: `what stays of ${claim.name}, since something else lies in it or it is no longer its own:`,
    details: [...shown, ...(left.length > shown.length ? [`… and ${left.length - shown.length} more`] : [])],
  });
}

/**
 * Takes away what was made, and nothing else, and puts back what it had replaced: what is of another kind by now stays,
 * and so does a folder in which something else lies. Where the making was `interrupted`, what has another content is
 * not ours either. Idempotent. Returns what stays, sorted.
 */
export async function takeBack(folder: string, session: Session, interrupted: boolean): Promise<readonly string[]> {
  const left = await takeAway(folder, readMade(folder) ?? [], session, interrupted);
  await forgetReplaced(folder);
  rmSync(join(folder, list), { force: true });
  return left;
}

/** The same for some of what was made. */
export async function takeAway(
  folder: string,
  all: readonly MadePath[],
  session: Session,
  interrupted: boolean,
): Promise<readonly string[]> {
  const covered = all.filter(({ replaced }) => replaced === true);
  const made = all.filter(({ replaced }) => replaced !== true);
  const others = await putBackWhatWas(folder, covered, session, interrupted);
  const stats = await session.root.lstat(made.map(({ path }) => path));
  const ours = made.filter(({ type }, index) => stats[index]?.type === (type === 'hardlink' ? 'file' : type));
  const files = ours.filter(({ type }) => type !== 'directory');
  const kept = interrupted ? await changedSince(files, session) : new Set<string>();
  const gone = files.filter(({ path }) => !kept.has(path)).map(({ path }) => path);
  for (const batch of batches(gone)) await session.run(['rm', '-f', '--', ...batch], { accept: 'any' });
  const folders = ours.filter(({ type }) => type === 'directory').map(({ path }) => path);
  // the innermost first
  for (const batch of batches(folders.toSorted((a, b) => byBytes(b, a)))) {
    await session.run(['rmdir', '--ignore-fail-on-non-empty', '--', ...batch], { accept: 'any' });
  }
  const paths = made.map(({ path }) => path);
  const after = await session.root.lstat(paths);
  return [...others, ...paths.filter((_, index) => after[index] !== undefined)].toSorted(byBytes);
}

/** What is no more what we put there, nor gone, stays: returns it. */
async function putBackWhatWas(
  folder: string,
  covered: readonly MadePath[],
  session: Session,
  interrupted: boolean,
): Promise<readonly string[]> {
  const stats = await session.root.lstat(covered.map(({ path }) => path));
  const ours = covered.filter(({ type }, index) => {
    const stat = stats[index];
    return stat === undefined || stat.type === (type === 'hardlink' ? 'file' : type);
  });
  // of what was not replaced yet, it is as it was
  const another = interrupted ? await changedSince(ours, session) : new Set<string>();
  const due = new Set(ours.flatMap(({ path }) => (another.has(path) ? [] : [path])));
  await putBack(folder, due, session);
  return interrupted ? [] : covered.flatMap(({ path }) => (due.has(path) ? [] : [path]));
}

async function changedSince(files: readonly MadePath[], session: Session): Promise<ReadonlySet<string>> {
  const known = files.filter(({ sha256 }) => sha256 !== undefined);
  const digests = await session.root.digest(
    known.map(({ path }) => path),
    'sha256',
  );
  const stats = await session.root.lstat(known.map(({ path }) => path));
  return new Set(
    known.flatMap(({ path, sha256, size = 0 }, index) => {
      const stat = stats[index];
      // what was being written has no more than the rights that it is written with, and is not whole
      const isHalf = stat?.mode === 0o600 && stat.size < size;
      return digests[index] === sha256 || isHalf ? [] : [path];
    }),
  );
}

/** As many words as a command takes: execve(2) takes some 2 MiB. */
function* batches(paths: readonly string[]): Generator<readonly string[]> {
  let batch: string[] = [];
  let size = 0;
  for (const path of paths) {
    const more = Buffer.byteLength(path) + 9; // its end and its pointer
    if (batch.length > 0 && size + more > 512 * 1024) {
      yield batch;
      [batch, size] = [[], 0];
    }
    batch.push(path);
    size += more;
  }
  if (batch.length > 0) yield batch;
}
