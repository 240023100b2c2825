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
import {
  architectureText,
  componentText,
  packageNameText,
  poolPathText,
  suiteText,
  versionText,
  wishText,
} from './names.ts';

/** One repository, as a person reads it. */
export interface AptSource {
  /** What `from` in the lock begins with: `debian`, `neuro`. Unique in the spec. */
  readonly name: string;
  readonly uri: string;
  /** Suites as in sources.list(5); one that ends in `/` is a flat repository and has no components. */
  readonly suites: readonly string[];
  readonly components?: readonly string[];
  /** The `Label` of its Release files. */
  readonly label?: string;
  /** Fingerprints of the primary keys that its Release files are signed by, in capitals. */
  readonly 'signed-by'?: string | readonly string[];
  /** The pin priority of everything in it, where it is not the default. */
  readonly priority?: number;
}

/** One stanza of apt_preferences(5). */
export interface AptPin {
  /** The names or patterns after `Package:`. */
  readonly packages: string;
  /** What follows `Pin:`: `release l=NeuroDebian`, `version 1.2*`, `origin "host"`. */
  readonly pin: string;
  readonly priority: number;
}

/** What stands above the lock for a Debian-like system. */
export interface AptSpec extends DistributionSpec {
  readonly type: string;
  /** A derivative's own name: os-release's ID, where it is not the type. */
  readonly vendor?: string;
  /** The codename: `bookworm`. */
  /** It is a tree there, in what it stands on, and not the root itself. */
  readonly path?: string;
  readonly release?: string;
  /** The native one; default: that of the machine. */
  readonly architecture?: string;
  /** Foreign ones. */
  readonly architectures?: readonly string[];
  readonly sources?: readonly AptSource[];
  /** `NAME`, `NAME=VERSION`, `NAME:ARCHITECTURE=VERSION`, `NAME>=VERSION`; see `parseWish`. */
  readonly packages?: readonly string[];
  /** Whether what packages recommend is installed as well; default: no. */
  readonly recommends?: boolean;
  /** Preferences beyond the sources' own priorities. */
  readonly pins?: readonly AptPin[];
  /** Packages on hold: `NAME` or `NAME:ARCHITECTURE`. */
  readonly holds?: readonly string[];
}

/** Where a version was offered at the time of the trace: one index of one repository. */
export interface AptOrigin {
  /** The name of the source. */
  readonly source: string;
  readonly uri: string;
  /** As in sources.list(5): the folder below `dists`, or the flat repository's folder with its `/`. */
  readonly dist: string;
  readonly component?: string;
  /** The fields of its Release file. */
  readonly origin?: string;
  readonly label?: string;
  readonly suite?: string;
  readonly codename?: string;
  readonly version?: string;
  /** `YYYY-MM-DDTHH:MM:SSZ`. */
  readonly date?: string;
  readonly 'not-automatic'?: boolean;
  readonly 'but-automatic-upgrades'?: boolean;
  readonly 'signed-by'?: string | readonly string[];
}

export type Why = 'used' | 'required' | 'essential' | 'manual';

/** One installed package. */
export interface AptPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** The source package, where its name is another. */
  readonly source?: string;
  readonly 'source-version'?: string;
  /** The key in `origins` of the index that it is taken from; absent where no list offers this version. */
  readonly from?: string;
  /** Further indices that offer the same version. */
  readonly also?: readonly string[];
  /** Within the repository of `from`. */
  readonly path?: string;
  /** Of the .deb. */
  readonly size: number;
  readonly sha256: string;
  readonly why: Why;
  /** The .deb was made from what was installed: `size` and `sha256` are that one's, and it is kept in the store. */
  readonly repacked?: boolean;
  /** The digest of the package's md5sums list (sorted lines), by which its original can be recognised. */
  readonly contents?: `sha256:${string}`;
  /** Repacked, but some of its files could not be read. */
  readonly partial?: boolean;
  /** Marked as installed by hand (`apt-mark showmanual`). */
  readonly manual?: boolean;
  readonly hold?: boolean;
  /** Other versions that the lists offer, and where: what makes `apt-cache policy` answer as it did. */
  readonly offered?: readonly { readonly version: string; readonly from: string }[];
}

export interface AptDiversion {
  readonly path: string;
  readonly to: string;
  /** The package that diverts; absent for a local diversion. */
  readonly by?: string;
}

/** The lock entry of a Debian-like system. Lists are sorted by bytes of name, then architecture. */
export interface AptLock extends DistributionLock {
  /** The native architecture first, then the foreign ones. */
  readonly architectures?: readonly string[];
  /** `/bin`, `/sbin` and `/lib` are folders of their own there, not links into /usr. */
  readonly unmerged?: boolean;
  readonly packages: readonly AptPackage[];
  /** Taken from the machine or the configuration, because the entry above does not say any. */
  readonly sources?: readonly AptSource[];
  /** By the keys that `from` and `also` name: `NAME/SUITE/COMPONENT`. */
  readonly origins?: Readonly<Record<string, AptOrigin>>;
  /** Alternatives that are not the ones that update-alternatives picks by itself: name to chosen path. */
  readonly alternatives?: Readonly<Record<string, string>>;
  readonly changed?: readonly PackageChange[];
  readonly diversions?: readonly AptDiversion[];
  /** By fingerprint: the transferable public key, binary; several of them one after the other make a keyring. */
  readonly keys?: Readonly<Record<string, ContentRef>>;
  /** All preferences in apt's order, the ones that `priority` stands for included. */
  readonly preferences?: readonly AptPin[];
}

/** A package's key: its identity for owners, `diff` and `packages`. */
export function packageKey(of: { readonly name: string; readonly architecture: string }): string {
  return `${of.name}:${of.architecture}`;
}

/** Fingerprints as a list. */
export function signers(of: { readonly 'signed-by'?: string | readonly string[] }): readonly string[] {
  const given = of['signed-by'];
  if (given === undefined) return [];
  return typeof given === 'string' ? [given] : given;
}

/** The facts of one distribution that stands on this toolkit. */
export interface AptNaming {
  readonly type: string;
  /** Releases that are offered when a name is unknown, oldest first. */
  readonly releases: readonly string[];
  /** Releases that are accepted, and not offered. */
  readonly archived: readonly string[];
}

/** What stands above the lock, checked. A release that is not known is accepted with `vendor` or `sources` only. */
export function aptSpecSchema(naming: AptNaming): v.GenericSchema<unknown, AptSpec> {
  const known = [...naming.releases, ...naming.archived];
  const schema = v.pipe(
    v.looseObject({
      ...distributionFields,
      type: v.literal(naming.type),
      path: v.optional(pathText),
      vendor: v.optional(text),
      release: v.optional(suiteText),
      architecture: v.optional(architectureText),
      architectures: v.optional(v.array(architectureText)),
      sources: v.optional(sourcesSchema),
      packages: v.optional(v.array(wishText)),
      recommends: v.optional(flag),
      pins: v.optional(v.array(pinSchema)),
      holds: v.optional(v.array(wishText)),
    }),
    v.forward(
      v.check(
        ({ release, vendor, sources }) =>
          release === undefined ||
          known.includes(release) ||
          ((vendor !== undefined || sources !== undefined) && nearest(release, known) === undefined),
        (issue) => unknownRelease((issue.input as { release?: string }).release ?? '', naming),
      ),
      ['release'],
    ),
  );
  return schema as unknown as v.GenericSchema<unknown, AptSpec>;
}

const fingerprintText = v.pipe(
  v.string('expected a fingerprint'),
  v.regex(/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/, 'expected a fingerprint: 40 or 64 hexadecimal digits, in capitals'),
);

const signedBySchema = v.union(
  [fingerprintText, v.array(fingerprintText)],
  'expected a fingerprint, or a list of them',
);

const priority = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^-?[0-9]{1,5}$/), v.transform(Number))], 'expected a whole number'),
  v.integer('expected a whole number'),
  v.minValue(-32768, 'must be between -32768 and 32767'),
  v.maxValue(32767, 'must be between -32768 and 32767'),
);

const sourceNameText = v.pipe(
  v.string('expected a name'),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/, 'expected letters, digits, and . _ + - between them'),
);

const sourceSchema = v.looseObject({
  name: sourceNameText,
  uri: urlText,
  suites: v.pipe(v.array(suiteText), v.minLength(1, 'must not be empty')),
  components: v.optional(v.array(componentText)),
  label: v.optional(text),
  'signed-by': v.optional(signedBySchema),
  priority: v.optional(priority),
});

const sourcesSchema = v.pipe(
  v.array(sourceSchema),
  v.check(
    (sources) => new Set(sources.map(({ name }) => name)).size === sources.length,
    'two sources have one name\ngive each a name of its own',
  ),
);

const pinSchema = v.looseObject({ packages: text, pin: text, priority });

const originKeyText = v.pipe(
  v.string('expected a name'),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._+~/-]{0,299}$/, 'expected NAME/SUITE/COMPONENT'),
);

const originSchema = v.looseObject({
  source: sourceNameText,
  uri: urlText,
  dist: suiteText,
  component: v.optional(componentText),
  origin: v.optional(text),
  label: v.optional(text),
  suite: v.optional(text),
  codename: v.optional(text),
  version: v.optional(text),
  date: v.optional(text),
  'not-automatic': v.optional(flag),
  'but-automatic-upgrades': v.optional(flag),
  'signed-by': v.optional(signedBySchema),
});

const packageSchema = v.looseObject({
  name: packageNameText,
  version: versionText,
  architecture: architectureText,
  source: v.optional(packageNameText),
  'source-version': v.optional(versionText),
  from: v.optional(originKeyText),
  also: v.optional(v.array(originKeyText)),
  path: v.optional(poolPathText),
  size: integer,
  sha256: sha256Text,
  why: v.picklist(['used', 'required', 'essential', 'manual'], 'expected used, required, essential or manual'),
  repacked: v.optional(flag),
  contents: v.optional(digestText),
  partial: v.optional(flag),
  manual: v.optional(flag),
  hold: v.optional(flag),
  offered: v.optional(v.array(v.looseObject({ version: versionText, from: originKeyText }))),
});

/** The lock entry, checked. */
export const aptLockSchema = v.looseObject({
  of: digestText,
  architectures: v.optional(v.array(architectureText)),
  unmerged: v.optional(flag),
  packages: v.array(packageSchema),
  sources: v.optional(sourcesSchema),
  origins: v.optional(v.record(originKeyText, originSchema)),
  alternatives: v.optional(v.record(packageNameText, pathText)),
  changed: v.optional(v.array(packageChangeSchema)),
  diversions: v.optional(v.array(v.looseObject({ path: pathText, to: pathText, by: v.optional(packageNameText) }))),
  keys: v.optional(v.record(fingerprintText, v.looseObject({ size: integer, sha256: sha256Text }))),
  preferences: v.optional(v.array(pinSchema)),
}) as unknown as v.GenericSchema<unknown, AptLock>;

/** Two lines: what is wrong, and what would be right. */
function unknownRelease(release: string, naming: AptNaming): string {
  const near = nearest(release, [...naming.releases, ...naming.archived]);
  const guess = near === undefined ? '' : `did you mean ${near}? `;
  return `unknown release "${release}" of ${naming.type}\n${guess}known: ${naming.releases.join(', ')}`;
}

/** The known name that is at most two edits away. */
function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = 3;
  for (const candidate of known) {
    const distance = edits(name, candidate);
    if (distance > 0 && distance < least && distance < candidate.length - 1) [best, least] = [candidate, distance];
  }
  return best;
}

/** Levenshtein's distance. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
