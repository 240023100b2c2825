import * as v from 'valibot';

import { digestText, flag, integer, pathText, sha256Text, text, urlText } from '../../contract/schema.ts';
import type { ContentRef, DistributionLock, DistributionSpec } from '../../model/index.ts';
import { parseWheelName } from './wheel.ts';

/** What stands above the lock, for every kind of place that Python packages are installed into. */
export interface PythonSpec extends DistributionSpec {
  readonly path: string;
  /** `NAME==VERSION`, or any requirement of PEP 508 without an address. */
  readonly packages?: readonly string[];
  /** Simple indexes (PEP 503) that the packages come from. Default: those of this machine's pip. */
  readonly indexes?: readonly string[];
  /** The version of Python that it is for, where it is not to be that of the interpreter on this machine: `3.11`. */
  readonly python?: string;
}

/** One locked package. */
export interface PythonPackage {
  readonly name: string;
  readonly version: string;
  /** Of the wheel that it was installed from, which an index has. */
  readonly file?: string;
  readonly size?: number;
  readonly sha256?: string;
  /** Where it came from, where that is no index: an archive, or a repository. */
  readonly url?: string;
  /** What was checked out of the repository at `url`. */
  readonly commit?: string;
  /** The checkout that it leads to. */
  readonly editable?: string;
  /** No archive is known to have it: its files were kept as they were. */
  readonly repacked?: boolean;
  /** It was asked for, not only needed by another. */
  readonly requested?: boolean;
}

export interface PythonLock extends DistributionLock {
  /** Of the interpreter, as exactly as is known. */
  readonly python?: string;
  /** Where it lay when its tree was kept. */
  readonly prefix?: string;
  /** Sorted by normalised name. */
  readonly packages: readonly PythonPackage[];
  /** Every file as it was: see `toolkits/trees`. Absent where the tree follows from the packages. */
  readonly tree?: ContentRef;
  /** Those that no wheel brings. */
  readonly rest?: ContentRef;
  readonly files?: number;
  readonly size?: number;
}

/** Packages that an environment is made with, asked for or not. */
export const seeds: ReadonlySet<string> = new Set(['pip', 'setuptools', 'wheel']);

const requirementText = v.pipe(
  text,
  v.regex(
    /^[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?\s*(?:\[[\w\s.,-]*\])?\s*(?:\(?\s*(?:===|==|!=|~=|<=|>=|<|>)[^;@]*)?(?:;.*)?$/,
    'expected a package of Python, such as "nibabel" or "nilearn==0.10.4"',
  ),
);

export const pythonFields = {
  path: pathText,
  packages: v.optional(v.array(requirementText)),
  indexes: v.optional(v.array(urlText)),
  python: v.optional(v.pipe(text, v.regex(/^\d+\.\d+(?:\.\d+)?$/, 'expected a version of Python, such as "3.11"'))),
};

const contentRef = v.object({ sha256: sha256Text, size: integer });
const word = v.pipe(text, v.regex(/^[\w.!+-]{1,128}$/, 'expected a name or a version'));

export const pythonLockSchema = v.looseObject({
  of: digestText,
  python: v.optional(word),
  prefix: v.optional(pathText),
  packages: v.array(
    v.looseObject({
      name: word,
      version: word,
      file: v.optional(
        v.pipe(
          text,
          v.check((file) => parseWheelName(file) !== undefined, 'expected the name of a wheel'),
        ),
      ),
      size: v.optional(integer),
      sha256: v.optional(sha256Text),
      url: v.optional(text),
      commit: v.optional(word),
      editable: v.optional(pathText),
      repacked: v.optional(flag),
      requested: v.optional(flag),
    }),
  ),
  tree: v.optional(contentRef),
  rest: v.optional(contentRef),
  files: v.optional(integer),
  size: v.optional(integer),
}) as unknown as v.GenericSchema<unknown, PythonLock>;

/** A locked package that comes from a wheel. */
export type WheelPackage = PythonPackage & Required<Pick<PythonPackage, 'file' | 'sha256' | 'size'>>;

export function isWheelPackage(one: PythonPackage): one is WheelPackage {
  return one.file !== undefined && one.sha256 !== undefined && one.size !== undefined && one.repacked !== true;
}
