import * as v from 'valibot';

import {
  digestText,
  distributionFields,
  flag,
  integer,
  pathText,
  sha256Text,
  text,
  urlText,
} from '../../contract/schema.ts';
import { isSafeAbsolute, type ContentRef, type DistributionLock, type DistributionSpec } from '../../model/index.ts';

/** One tree of packages for Node: a project's `node_modules`, or those of a global prefix. */
export interface NpmSpec extends DistributionSpec {
  readonly type: 'npm';
  /** The folder that holds `node_modules`; of a global tree the prefix, which holds `lib/node_modules` and `bin`. */
  readonly path: string;
  readonly global?: boolean;
  /** Who made the tree, where it was not npm: its layout differs. */
  readonly manager?: 'pnpm' | 'yarn';
  /** Where its packages come from. Default: what npm on this machine is configured with. */
  readonly registry?: string;
  /** `NAME@VERSION` when traced; `NAME`, `NAME@RANGE` or `NAME@TAG` when wished. */
  readonly packages?: readonly string[];
}

export interface NpmPackage {
  /** Where it lies below the spec's path: npm's key of it. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** Its tarball: below the registry, or a whole address. Absent where it is where a registry has it by custom. */
  readonly resolved?: string;
  /** Of its tarball, as npm has it (Subresource Integrity). */
  readonly integrity?: string;
  /** Its tarball. */
  readonly size?: number;
  readonly sha256?: string;
  /** No tarball is known that this was installed from: its files are kept. */
  readonly repacked?: boolean;
  /** It came in the tarball of the package that it lies in. */
  readonly bundled?: boolean;
  /** It is a link to this, outside of the tree. */
  readonly link?: string;
  /** It has scripts that an installer would run. */
  readonly scripts?: boolean;
}

export interface NpmLock extends DistributionLock {
  readonly packages: readonly NpmPackage[];
  /** Of a traced tree, every file: see `toolkits/trees`. Absent where none was traced: it is then laid from the tarballs. */
  readonly tree?: ContentRef;
  /** What no tarball brings. */
  readonly rest?: ContentRef;
  readonly files?: number;
  readonly size?: number;
  /** The commands of a global tree, below its path. */
  readonly bins?: readonly string[];
}

export const npmSchema = v.looseObject({
  ...distributionFields,
  type: v.literal('npm'),
  path: pathText,
  global: v.optional(flag),
  manager: v.optional(v.picklist(['pnpm', 'yarn'])),
  registry: v.optional(urlText),
  packages: v.optional(v.array(text)),
}) as unknown as v.GenericSchema<unknown, NpmSpec>;

const contentRef = v.object({ sha256: sha256Text, size: integer });
const below = v.pipe(
  text,
  v.check((path) => isSafeAbsolute(`/${path}`), 'expected a path below the tree'),
);

export const npmLockSchema = v.looseObject({
  of: digestText,
  packages: v.array(
    v.looseObject({
      path: below,
      name: text,
      version: v.string(),
      resolved: v.optional(text),
      integrity: v.optional(text),
      size: v.optional(integer),
      sha256: v.optional(sha256Text),
      repacked: v.optional(flag),
      bundled: v.optional(flag),
      link: v.optional(text),
      scripts: v.optional(flag),
    }),
  ),
  tree: v.optional(contentRef),
  rest: v.optional(contentRef),
  files: v.optional(integer),
  size: v.optional(integer),
  bins: v.optional(v.array(below)),
}) as unknown as v.GenericSchema<unknown, NpmLock>;

/** Where a tree has its packages, below its path. */
export function modulesOf({ global }: Pick<NpmSpec, 'global'>): string {
  return global === true ? 'lib/node_modules' : 'node_modules';
}
