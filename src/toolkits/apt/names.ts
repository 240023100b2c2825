import * as v from 'valibot';

/**
 * What names, versions and paths of Debian look like, as dpkg accepts them (deb-control(5), deb-version(7)), bounded:
 * these texts come from strangers' files and databases, and become file names and arguments.
 */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9+._-]{0,199}$/;
const versionPattern = /^(?:[0-9]{1,9}:)?[A-Za-z0-9][A-Za-z0-9.+~:-]{0,199}$/;
const architecturePattern = /^[a-z0-9][a-z0-9-]{0,31}$/;
const wordPattern = /^[A-Za-z0-9.][A-Za-z0-9._+~/-]{0,199}$/;
const poolPattern = /^[A-Za-z0-9._+~:%@,=-]+(?:\/[A-Za-z0-9._+~:%@,=-]+)*$/;

/** Whether a package may be called this. */
export function isPackageName(text: string): boolean {
  return namePattern.test(text);
}

/** Whether this can be a version: an epoch at most, and the characters of deb-version(7). */
export function isVersion(text: string): boolean {
  return versionPattern.test(text);
}

/** Whether this can be an architecture's name: `amd64`, `all`, `kfreebsd-amd64`. */
export function isArchitecture(text: string): boolean {
  return architecturePattern.test(text);
}

/** Whether this is a relative path within a repository that stays there. */
export function isPoolPath(text: string): boolean {
  return text.length <= 1024 && poolPattern.test(text) && !hasDots(text);
}

/** Whether this can be a suite (`bookworm-updates`, `bullseye/updates`, `./` of a flat repository) or a component. */
export function isSuite(text: string): boolean {
  return wordPattern.test(text) && !text.includes('//') && !text.split('/').includes('..');
}

/** `name`, `name:architecture`, each with a relation and a version: what stands in a spec's `packages`. */
export interface PackageWish {
  readonly name: string;
  readonly architecture?: string;
  readonly relation?: '=' | '>=' | '<=' | '>>' | '<<';
  readonly version?: string;
}

/** Reads one line of a spec's `packages`; undefined where it is none. */
export function parseWish(text: string): PackageWish | undefined {
  const parts = /^([^\s:=<>]+)(?::([^\s:=<>]+))?(?:\s*(>=|<=|>>|<<|=)\s*(\S+))?$/.exec(text);
  if (parts === null) return undefined;
  const [, name = '', architecture, relation, version] = parts;
  if (!isPackageName(name)) return undefined;
  if (architecture !== undefined && !isArchitecture(architecture)) return undefined;
  if (version !== undefined && !isVersion(version)) return undefined;
  return {
    name,
    ...(architecture === undefined ? {} : { architecture }),
    ...(relation === undefined || version === undefined
      ? {}
      : { relation: relation as NonNullable<PackageWish['relation']>, version }),
  };
}

export const packageNameText = v.pipe(
  v.string('expected a name'),
  v.check(isPackageName, 'expected a Debian package name'),
);
export const versionText = v.pipe(v.string('expected a version'), v.check(isVersion, 'expected a Debian version'));
export const architectureText = v.pipe(
  v.string('expected an architecture'),
  v.check(isArchitecture, 'expected an architecture, e.g. amd64'),
);
export const suiteText = v.pipe(
  v.string('expected a suite'),
  v.check(isSuite, 'expected a suite, e.g. bookworm-updates'),
);
export const componentText = v.pipe(
  v.string('expected a component'),
  v.check((text) => isSuite(text) && !hasDots(text), 'expected a component, e.g. main'),
);
export const poolPathText = v.pipe(
  v.string('expected a path in a repository'),
  v.check(isPoolPath, 'expected a relative path without . or .. in it'),
);
export const wishText = v.pipe(
  v.string('expected a package'),
  v.check((text) => parseWish(text) !== undefined, 'expected NAME, NAME=VERSION, NAME:ARCHITECTURE or NAME>=VERSION'),
);

function hasDots(path: string): boolean {
  return path.split('/').some((part) => part === '.' || part === '..');
}
