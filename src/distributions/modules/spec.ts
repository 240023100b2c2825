import * as v from 'valibot';

import {
  anyText,
  digestText,
  distributionFields,
  flag,
  integer,
  pathText,
  sha256Text,
  text,
} from '../../contract/schema.ts';
import type { ContentRef, DistributionLock, DistributionSpec } from '../../model/index.ts';

/** Modules of a cluster, as Environment Modules or Lmod loaded them. */
export interface ModulesSpec extends DistributionSpec {
  readonly type: 'modules';
  readonly tool?: 'environment-modules' | 'lmod';
  /** The tool's version, where the environment has it. */
  readonly version?: string;
  /** Where modulefiles were looked for, in order. */
  readonly modulepath?: readonly string[];
  /** What was loaded, in order: `foo/1.2`. */
  readonly packages: readonly string[];
}

/** One loaded module. */
export interface ModuleLock {
  readonly name: string;
  /** Its modulefile. */
  readonly file: string;
  /** The modulefile's text. */
  readonly size: number;
  readonly sha256: string;
  readonly about?: string;
  /** What it excludes, and what it needs, with spaces between them. */
  readonly conflicts?: string;
  readonly needs?: string;
  readonly by?: 'easybuild' | 'spack';
  /** What the builder calls it: the easyconfig, or Spack's hash. */
  readonly build?: string;
  /** The run loads it itself: it starts without. */
  readonly within?: true;
}

/** The root of a module. */
export interface ModuleRoot {
  readonly path: string;
  readonly module: string;
}

/** One change of the environment that loading made. */
export interface ModuleSetting {
  readonly do: 'set' | 'prepend' | 'unset';
  readonly name: string;
  readonly value?: string;
  /** Absent: the tool's own, by which it knows what is loaded. */
  readonly module?: string;
}

export interface ModulesLock extends DistributionLock {
  readonly packages: readonly ModuleLock[];
  readonly roots?: readonly ModuleRoot[];
  readonly environment?: readonly ModuleSetting[];
  /** What was used of the roots, and the modulefiles: see `toolkits/trees`. Absent where nothing was, or too much. */
  readonly tree?: ContentRef;
  /** The same as a tar, compressed with zstd, whose names are relative to `/`. */
  readonly archive?: ContentRef;
  readonly files: number;
  readonly size: number;
}

export const modulesSchema = v.looseObject({
  ...distributionFields,
  type: v.literal('modules'),
  tool: v.optional(v.picklist(['environment-modules', 'lmod'], 'expected environment-modules or lmod')),
  version: v.optional(text),
  modulepath: v.optional(v.array(pathText)),
  packages: v.array(text),
}) as unknown as v.GenericSchema<unknown, ModulesSpec>;

const contentRef = v.object({ sha256: sha256Text, size: integer });
const variable = v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of a variable'));

export const modulesLockSchema = v.looseObject({
  of: digestText,
  packages: v.array(
    v.looseObject({
      name: text,
      file: pathText,
      size: integer,
      sha256: sha256Text,
      about: v.optional(text),
      conflicts: v.optional(text),
      needs: v.optional(text),
      by: v.optional(v.picklist(['easybuild', 'spack'])),
      build: v.optional(text),
      within: v.optional(flag),
    }),
  ),
  roots: v.optional(v.array(v.looseObject({ path: pathText, module: text }))),
  environment: v.optional(
    v.array(
      v.looseObject({
        do: v.picklist(['set', 'prepend', 'unset']),
        name: variable,
        value: v.optional(anyText),
        module: v.optional(text),
      }),
    ),
  ),
  tree: v.optional(contentRef),
  archive: v.optional(contentRef),
  files: integer,
  size: integer,
}) as unknown as v.GenericSchema<unknown, ModulesLock>;
