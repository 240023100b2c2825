import { closeSync, lstatSync, openSync, readlinkSync, readSync, type Stats } from 'node:fs';

import { decodeName, encodeName } from '../../roots/names.ts';
import { findInterpreter, type BinaryFormat, type Interpreter } from './programs.ts';

/** How the files of the place are looked at in which a command runs. Nothing here throws. */
export interface Look {
  /** Where a link leads; undefined for what is none, or can't be seen. */
  linkTarget(path: string): string | undefined;
  isDirectory(path: string): boolean;
  /** A file that is neither a folder nor a link. */
  isFile(path: string): boolean;
  /** True also for what is not ours to see. */
  isThere(path: string): boolean;
  isSetuid(path: string): boolean;
  /** Whether it was made by the run, as far as that can be told; where it can't, it counts as old. */
  isNew(path: string): boolean;
  /** What the kernel opens when it executes the file. */
  interpreter(path: string, formats: readonly BinaryFormat[]): Interpreter | undefined;
}

/** This machine's files; `since`: when the run began, in milliseconds. */
export function lookHere(since: number): Look {
  return {
    linkTarget(path) {
      try {
        if (statOf(path)?.isSymbolicLink() !== true) return undefined;
        return decodeName(readlinkSync(encodeName(path), { encoding: 'buffer' }));
      } catch {
        return undefined; // gone meanwhile, or not ours to read: the name itself is what is known
      }
    },
    isDirectory: (path) => tryStat(path)?.isDirectory() ?? false,
    isFile: (path) => tryStat(path)?.isFile() ?? false,
    isThere(path) {
      try {
        return statOf(path) !== undefined;
      } catch {
        return true;
      }
    },
    isSetuid: (path) => ((tryStat(path)?.mode ?? 0) & 0o6000) !== 0,
    isNew(path) {
      try {
        // by its time of birth; where the filesystem has none, it counts as old
        return (statOf(path)?.birthtimeMs ?? since) >= since;
      } catch {
        return false;
      }
    },
    interpreter(path, formats) {
      let file: number;
      try {
        file = openSync(encodeName(path), 'r');
      } catch {
        return undefined;
      }
      try {
        return findInterpreter((position, length) => readAt(file, position, length), path, formats);
      } finally {
        closeSync(file);
      }
    },
  };
}

function statOf(path: string): Stats | undefined {
  return lstatSync(encodeName(path), { throwIfNoEntry: false });
}

function tryStat(path: string): Stats | undefined {
  try {
    return statOf(path);
  } catch {
    return undefined;
  }
}

function readAt(file: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  return buffer.subarray(0, readSync(file, buffer, 0, length, position));
}
