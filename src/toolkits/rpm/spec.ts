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
import type { ContentRef, DistributionLock, DistributionSpec } from '../../model/index.ts';
import { packageChangeSchema, type PackageChange } from '../trees/package-changes.ts';
import { architectureText, evrText, locationText, packageNameText, wishText } from './names.ts';

/** One repository, as a person reads it; variables are replaced by what they stand for. */
export interface RpmSource {
  /** The repository's id, what `from` in the lock says. Unique in the spec. */
  readonly name: string;
  /** Addresses of the folder that has `repodata`. */
  readonly uri?: string | readonly string[];
  readonly mirrorlist?: string;
  readonly metalink?: string;
  /** What its .repo file calls it. */
  readonly label?: string;
  /** Addresses of the keys that its packages are signed by. */
  readonly 'key-addresses'?: readonly string[];
  readonly priority?: number;
}

/** What stands above the lock for a system of rpm packages. */
export interface RpmSpec extends DistributionSpec {
  readonly type: string;
  /** os-release's ID: `centos`, `rocky`, `fedora`. */
  readonly vendor?: string;
  /** os-release's VERSION_ID: `8`, `9.4`, `41`. */
  /** It is a tree there, in what it stands on, and not the root itself. */
  readonly path?: string;
  readonly release?: string;
  readonly architecture?: string;
  readonly sources?: readonly RpmSource[];
  /** `NAME`, `NAME=VERSION`, `NAME.ARCHITECTURE=VERSION`, `NAME>=VERSION`; see `parseWish`. */
  readonly packages?: readonly string[];
  /** Enabled streams of modules: `nodejs:18`. */
  readonly modules?: readonly string[];
  /** Whether weak dependencies are installed as well; default: no. */
  readonly recommends?: boolean;
}

export type Why = 'used' | 'required' | 'essential' | 'manual';

/** One installed package. */
export interface RpmLocked {
  readonly name: string;
  /** `EPOCH:VERSION-RELEASE`, without an epoch of 0. */
  readonly version: string;
  readonly architecture: string;
  /** The file name of the source package. */
  readonly source?: string;
  readonly vendor?: string;
  /** The label of the module that it was built in. */
  readonly module?: string;
  /** The repository that it was installed from. */
  readonly from?: string;
  /** Within the repository of `from`. */
  readonly path?: string;
  /** Of the .rpm. */
  readonly size: number;
  readonly sha256: string;
  /** The digest of its header (`sha256:` or `sha1:`), as its .rpm has it. */
  readonly header?: string;
  /** The md5 of header and payload, by which the original .rpm can be recognised. */
  readonly md5?: string;
  readonly why: Why;
  /** The .rpm was made from what was installed: `size` and `sha256` are that one's, and it is kept in the store. */
  readonly repacked?: boolean;
  /** Repacked, but some of its files could not be read. */
  readonly partial?: boolean;
  /** Asked for by somebody, not installed for others only. */
  readonly manual?: boolean;
}

/** The lock entry of a system of rpm packages. Lists are sorted by bytes of name, architecture and version. */
export interface RpmLock extends DistributionLock {
  /** Where rpm's database lies there, and how it is written. */
  readonly database: { readonly path: string; readonly format: 'sqlite' | 'ndb' | 'bdb' };
  readonly packages: readonly RpmLocked[];
  /** Taken from the machine or the configuration, because the entry above does not say any. */
  readonly sources?: readonly RpmSource[];
  /** Names of sources of which no package brings the .repo file. Absent: none of them is there before. */
  readonly configured?: readonly string[];
  /** False: packages were installed without their documentation. */
  readonly documentation?: boolean;
  readonly changed?: readonly PackageChange[];
  /** By id as rpm has them (`VERSION-RELEASE` of gpg-pubkey): the public key, armoured. */
  readonly keys?: Readonly<Record<string, ContentRef>>;
  /** Alternatives that were chosen by hand: name to chosen path. */
  readonly alternatives?: Readonly<Record<string, string>>;
}

/** The key of a locked package among those of its lock: see `RpmPackage`. */
export function lockedKeys(packages: readonly RpmLocked[]): readonly string[] {
  const counts = new Map<string, number>();
  const plain = ({ name, architecture }: RpmLocked) => `${name}.${architecture}`;
  for (const one of packages) counts.set(plain(one), (counts.get(plain(one)) ?? 0) + 1);
  return packages.map((one) =>
    counts.get(plain(one)) === 1
      ? plain(one)
      : `${one.name}-${one.version.replace(/^[0-9]+:/, '')}.${one.architecture}`,
  );
}

/** The `vendor` of an entry, by os-release's ID: not written where the type says it. */
export function vendorOf(id: string | undefined, type: string): { readonly vendor?: string } {
  return id === undefined || id === type || id === 'rhel' ? {} : { vendor: id };
}

/** The addresses of a repository as a list. */
export function addressesOf({ uri }: RpmSource): readonly string[] {
  if (uri === undefined) return [];
  return typeof uri === 'string' ? [uri] : uri;
}

const repositoryText = v.pipe(
  v.string('expected a name'),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._:+-]{0,127}$/, 'expected letters, digits, and . _ : + - between them'),
);

const sourceSchema = v.pipe(
  v.looseObject({
    name: repositoryText,
    uri: v.optional(v.union([urlText, v.array(urlText)], 'expected an http or https address, or a list of them')),
    mirrorlist: v.optional(urlText),
    metalink: v.optional(urlText),
    label: v.optional(text),
    'key-addresses': v.optional(v.array(urlText)),
    priority: v.optional(integer),
  }),
  v.check(
    ({ uri, mirrorlist, metalink }) => uri !== undefined || mirrorlist !== undefined || metalink !== undefined,
    'expected an address: one of uri, mirrorlist and metalink',
  ),
);

const sourcesSchema = v.pipe(
  v.array(sourceSchema),
  v.check(
    (sources) => new Set(sources.map(({ name }) => name)).size === sources.length,
    'two sources have one name\ngive each a name of its own',
  ),
);

/** What stands above the lock, checked. */
export function rpmSpecSchema(type: string): v.GenericSchema<unknown, RpmSpec> {
  return v.looseObject({
    ...distributionFields,
    type: v.literal(type),
    path: v.optional(pathText),
    vendor: v.optional(text),
    release: v.optional(
      v.pipe(
        v.string('expected a release'),
        v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'expected a release, e.g. 9.4'),
      ),
    ),
    architecture: v.optional(architectureText),
    sources: v.optional(sourcesSchema),
    packages: v.optional(v.array(wishText)),
    modules: v.optional(
      v.array(
        v.pipe(
          v.string('expected a module'),
          v.regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}:[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/, 'expected NAME:STREAM'),
        ),
      ),
    ),
    recommends: v.optional(flag),
  }) as unknown as v.GenericSchema<unknown, RpmSpec>;
}

const packageSchema = v.looseObject({
  name: packageNameText,
  version: evrText,
  architecture: architectureText,
  source: v.optional(text),
  vendor: v.optional(text),
  module: v.optional(text),
  from: v.optional(repositoryText),
  path: v.optional(locationText),
  size: integer,
  sha256: sha256Text,
  header: v.optional(
    v.pipe(v.string('expected a digest'), v.regex(/^(?:sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64})$/, 'expected a digest')),
  ),
  md5: v.optional(v.pipe(v.string('expected an md5'), v.regex(/^[0-9a-f]{32}$/, 'expected 32 hexadecimal digits'))),
  why: v.picklist(['used', 'required', 'essential', 'manual'], 'expected used, required, essential or manual'),
  repacked: v.optional(flag),
  partial: v.optional(flag),
  manual: v.optional(flag),
});

const keyText = v.pipe(
  v.string('expected a key'),
  v.regex(/^[0-9a-f]{8,64}-[0-9a-f]{1,16}$/, 'expected VERSION-RELEASE of a gpg-pubkey'),
);

/** The lock entry, checked. */
export const rpmLockSchema = v.looseObject({
  of: digestText,
  database: v.looseObject({
    path: pathText,
    format: v.picklist(['sqlite', 'ndb', 'bdb'], 'expected sqlite, ndb or bdb'),
  }),
  packages: v.array(packageSchema),
  sources: v.optional(sourcesSchema),
  configured: v.optional(v.array(repositoryText)),
  documentation: v.optional(flag),
  changed: v.optional(v.array(packageChangeSchema)),
  keys: v.optional(v.record(keyText, v.looseObject({ size: integer, sha256: sha256Text }))),
  alternatives: v.optional(v.record(packageNameText, pathText)),
}) as unknown as v.GenericSchema<unknown, RpmLock>;
