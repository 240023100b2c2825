import { lstatSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';

import { DiskFull, isDiskFull, pathsOfFull, sizeText } from '../model/index.ts';
import type { Places } from '../inventory/places.ts';

/**
 * What was thrown, where a disk was full said so that a person can do something about it: which folder it was, how much
 * is free there, and how much was to be written (bytes, as far as that is known). To be asked before anything is tidied
 * up. Everything else comes back as it is.
 */
export function explainFull(
  error: unknown,
  what: string | undefined,
  places: Places,
  needed?: { readonly about: number },
): unknown {
  if (!isDiskFull(error) || error instanceof DiskFull) return error;
  const named = pathsOfFull(error).map(existing);
  const ours = [places.data, places.state, tmpdir()].map(existing);
  // where nothing is named, it is the one of ours with the least room
  const place = named[0] ?? ours.toSorted((a, b) => freeIn(a) - freeIn(b))[0] ?? '/';
  const need = needed === undefined ? '' : `, ${sizeText(needed.about)} or more needed`;
  return new DiskFull(
    `${what === undefined ? '' : `${what}: `}no room in ${place}: ${sizeText(freeIn(place))} free${need}`,
    error,
  );
}

function freeIn(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

/** The nearest folder that is there. */
function existing(path: string): string {
  for (let at = path; ; at = dirname(at)) {
    if (lstatSync(at, { throwIfNoEntry: false })?.isDirectory() === true || at === '/') return at;
  }
}
