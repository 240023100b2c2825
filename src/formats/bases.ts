import { UserError, type DistributionSpec } from '../model/index.ts';

/** One line: images of a distribution, by its release. `{release}` and `{major}` stand for that of the spec. */
interface BaseRow {
  readonly type: string;
  /** os-release's ID, where it is not the type. */
  readonly vendor?: string;
  readonly image: string;
}

/** The images that distributions publish themselves. */
const known: readonly BaseRow[] = [
  { type: 'debian', image: 'debian:{release}' },
  { type: 'ubuntu', image: 'ubuntu:{release}' },
  { type: 'redhat', vendor: 'almalinux', image: 'almalinux:{major}' },
  { type: 'redhat', vendor: 'amzn', image: 'amazonlinux:{release}' },
  { type: 'redhat', vendor: 'fedora', image: 'fedora:{release}' },
  { type: 'redhat', vendor: 'ol', image: 'oraclelinux:{major}' },
  { type: 'redhat', vendor: 'rocky', image: 'rockylinux/rockylinux:{major}' },
];

/**
 * The image that has what a distribution's own installer would have put there. `own` are the user's: `[bases]` of the
 * settings, from `VENDOR-RELEASE` (before its first dot), `TYPE-RELEASE`, `VENDOR` or `TYPE` to a reference, best with its digest. Throws
 * UserError 2 where none is known.
 */
export function nativeBase(entry: DistributionSpec, own: Readonly<Record<string, unknown>>): string {
  const {
    type,
    vendor = type,
    release = '',
  } = entry as DistributionSpec & {
    readonly vendor?: string;
    readonly release?: string;
  };
  const major = release.split('.', 1)[0] ?? '';
  const keys = [`${vendor}-${major}`, `${type}-${major}`, vendor, type];
  const said = keys.map((key) => own[key]).find((value) => value !== undefined);
  const row = known.find((one) => one.type === type && (one.vendor ?? one.type) === vendor);
  const image = typeof said === 'string' ? said : row?.image;
  if (image === undefined) {
    throw new UserError(`no image is known for ${vendor} ${release}`.trimEnd(), {
      status: 2,
      hint: `name one in the settings: [bases] ${vendor}-${major || 'RELEASE'} = "IMAGE"`,
    });
  }
  const whole = image.replaceAll('{release}', release).replaceAll('{major}', major);
  if (!referenceForm.test(whole)) throw new UserError(`${JSON.stringify(whole)} is no name of an image`, { status: 2 });
  return whole;
}

/** A name, perhaps with a registry, a tag and a digest (https://github.com/distribution/reference). */
const referenceForm =
  /^[a-z0-9][a-z0-9._-]*(?::[0-9]+)?(?:\/[a-z0-9][a-z0-9._-]*)*(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;
