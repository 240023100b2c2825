import * as v from 'valibot';

/**
 * What names, versions and paths of rpm's look like, bounded: these texts come from strangers' files and databases, and
 * become file names and arguments.
 */
const namePattern = /^[A-Za-z0-9_][A-Za-z0-9._+~-]{0,199}$/;
const evrPattern = /^(?:[0-9]{1,10}:)?[A-Za-z0-9._+~^]{1,200}(?:-[A-Za-z0-9._+~^]{1,200})?$/;
const architecturePattern = /^[a-z][a-z0-9_]{1,31}$/;
const partPattern = /^[A-Za-z0-9._+~^:%@,=(){}[\]-]+$/;

/** What follows a dot in `bash.x86_64`, for names may have dots of their own. */
const architectures = new Set(
  (
    'noarch x86_64 x86_64_v2 i386 i486 i586 i686 athlon aarch64 armv7hl armv7hnl armv5tel armv6hl ppc64le ppc64 ppc ' +
    'ppc64p7 s390x s390 riscv64 loongarch64 ia64 mips64el mipsel alpha sparc64 amd64 ia32e'
  ).split(' '),
);

/** Whether a package may be called this. */
export function isPackageName(text: string): boolean {
  return namePattern.test(text);
}

/** Whether this can be `EPOCH:VERSION-RELEASE`. */
export function isEvr(text: string): boolean {
  return evrPattern.test(text);
}

/** Whether this can be an architecture's name: `x86_64`, `noarch`. */
export function isArchitecture(text: string): boolean {
  return architecturePattern.test(text);
}

/** Whether this is a relative path within a repository that stays there. */
export function isLocation(text: string): boolean {
  return (
    text.length <= 1024 && text.split('/').every((part) => partPattern.test(part) && part !== '.' && part !== '..')
  );
}

/** `NAME`, `NAME.ARCHITECTURE`, each with a relation and a version: what stands in a spec's `packages`. */
export interface PackageWish {
  readonly name: string;
  readonly architecture?: string;
  readonly relation?: '=' | '>=' | '<=' | '>' | '<';
  readonly version?: string;
}

/** Reads one line of a spec's `packages`; undefined where it is none. */
export function parseWish(text: string): PackageWish | undefined {
  const parts = /^([^\s=<>]+)(?:\s*(>=|<=|=|>|<)\s*(\S+))?$/.exec(text);
  if (parts === null) return undefined;
  const [, full = '', relation, version] = parts;
  const dot = full.lastIndexOf('.');
  const isQualified = dot > 0 && architectures.has(full.slice(dot + 1));
  const name = isQualified ? full.slice(0, dot) : full;
  if (!isPackageName(name) || (version !== undefined && !isEvr(version))) return undefined;
  return {
    name,
    ...(isQualified ? { architecture: full.slice(dot + 1) } : {}),
    ...(relation === undefined || version === undefined
      ? {}
      : { relation: relation as NonNullable<PackageWish['relation']>, version }),
  };
}

export const packageNameText = v.pipe(
  v.string('expected a name'),
  v.check(isPackageName, 'expected the name of an rpm package'),
);
export const evrText = v.pipe(
  v.string('expected a version'),
  v.check(isEvr, 'expected EPOCH:VERSION-RELEASE, e.g. 5.1.8-6.el9'),
);
export const architectureText = v.pipe(
  v.string('expected an architecture'),
  v.check(isArchitecture, 'expected an architecture, e.g. x86_64'),
);
export const locationText = v.pipe(
  v.string('expected a path in a repository'),
  v.check(isLocation, 'expected a relative path without . or .. in it'),
);
export const wishText = v.pipe(
  v.string('expected a package'),
  v.check((text) => parseWish(text) !== undefined, 'expected NAME, NAME=VERSION, NAME.ARCHITECTURE or NAME>=VERSION'),
);
