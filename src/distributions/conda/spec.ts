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
import { isSafeAbsolute, type ContentRef, type DistributionLock, type DistributionSpec } from '../../model/index.ts';

/** A conda prefix: everything that has `conda-meta`, whichever program made it. */
export interface CondaSpec extends DistributionSpec {
  readonly type: 'conda';
  readonly path: string;
  /** Addresses, the first preferred; or names that the configuration knows. Default: the configuration's. */
  readonly channels?: readonly string[];
  /** `linux-64` and its like. */
  readonly platform?: string;
  /** Match specs as conda has them: `numpy>=1.26`, `python==3.11.7`, `CHANNEL::NAME`. */
  readonly packages?: readonly string[];
  /** What pip put into the prefix: `nilearn==0.10.4`. */
  readonly pip?: readonly string[];
  /** What the solver takes for given: `__glibc: "2.36"`. Default: what this machine has. */
  readonly virtual?: Readonly<Record<string, string>>;
}

/** One package of an explicit list. */
export interface CondaPackage {
  readonly name: string;
  readonly version: string;
  readonly build: string;
  /** The address of the channel, without its subdir. */
  readonly channel?: string;
  readonly subdir?: string;
  /** The artifact's name. */
  readonly file?: string;
  readonly size?: number;
  readonly md5?: string;
  readonly sha256?: string;
  readonly noarch?: string;
  /** What was asked for, as it was asked for. */
  readonly requested?: string;
  /** Its files are kept: no archive has it, or it is not known for sure to be the one that was installed. */
  readonly repacked?: boolean;
}

/** A package that pip put into the prefix; its files are kept. */
export interface CondaPipPackage {
  readonly name: string;
  readonly version: string;
  readonly repacked?: boolean;
}

export interface CondaLock extends DistributionLock {
  /** Where the prefix lay when its tree was kept. */
  readonly prefix?: string;
  readonly packages: readonly CondaPackage[];
  readonly pip?: readonly CondaPipPackage[];
  /** Where its Python keeps packages, where that is not the customary place. */
  readonly site?: string;
  /** What packages and people have put into its own variables: `etc/conda/env_vars.d` and `conda-meta/state`. */
  readonly variables?: Readonly<Record<string, string>>;
  /** What packages ask of the system, beyond other packages: `__glibc >=2.17`. */
  readonly needs?: readonly string[];
  /** What the traced system had of that: `__glibc: "2.36"`. */
  readonly virtual?: Readonly<Record<string, string>>;
  /** Every file with mode, owner, time and sha256: see `toolkits/trees`. Absent where the prefix was never there. */
  readonly tree?: ContentRef;
  /** Its packages are not those of the tree any more: they are linked anew. */
  readonly edited?: boolean;
  /** What no artifact brings, as a tar. */
  readonly rest?: ContentRef;
  readonly files?: number;
  readonly size?: number;
}

/** Names as conda's are; also the file names and paths that are made of them. */
const wordText = v.pipe(
  v.string('expected a word'),
  v.regex(/^[A-Za-z0-9_][A-Za-z0-9_.!+~*-]{0,199}$/, 'expected letters, digits and _ . ! + ~ -'),
);

const channelText = v.pipe(
  text,
  v.check((value) => !value.startsWith('-') && !/\s/.test(value), 'expected an address or a name'),
  v.check((value) => !/^[a-z+]+:\/\/[^/]*@/i.test(value), 'must not hold a user name or password'),
);

const fileText = v.pipe(
  text,
  v.check((value) => isSafeAbsolute(`/${value}`) && !value.includes('/'), 'expected the name of a file'),
);

const pathBelow = v.pipe(
  text,
  v.check((value) => isSafeAbsolute(`/${value}`), 'expected a path below the prefix'),
);

const variableText = v.pipe(
  v.string('expected a name'),
  v.regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'expected the name of a variable'),
);

const contentRef = v.object({ sha256: sha256Text, size: integer });

export const condaSchema = v.looseObject({
  ...distributionFields,
  type: v.literal('conda'),
  path: pathText,
  channels: v.optional(v.array(channelText)),
  platform: v.optional(wordText),
  packages: v.optional(v.array(text)),
  pip: v.optional(v.array(text)),
  virtual: v.optional(v.record(wordText, text)),
}) as unknown as v.GenericSchema<unknown, CondaSpec>;

export const condaLockSchema = v.looseObject({
  of: digestText,
  prefix: v.optional(pathText),
  packages: v.array(
    v.looseObject({
      name: wordText,
      version: wordText,
      build: wordText,
      channel: v.optional(channelText),
      subdir: v.optional(wordText),
      file: v.optional(fileText),
      size: v.optional(integer),
      md5: v.optional(text),
      sha256: v.optional(sha256Text),
      noarch: v.optional(text),
      requested: v.optional(text),
      repacked: v.optional(flag),
    }),
  ),
  pip: v.optional(v.array(v.looseObject({ name: text, version: text, repacked: v.optional(flag) }))),
  site: v.optional(pathBelow),
  variables: v.optional(v.record(variableText, anyText)),
  needs: v.optional(v.array(text)),
  virtual: v.optional(v.record(wordText, text)),
  tree: v.optional(contentRef),
  edited: v.optional(flag),
  rest: v.optional(contentRef),
  files: v.optional(integer),
  size: v.optional(integer),
}) as unknown as v.GenericSchema<unknown, CondaLock>;
