/** A version as PEP 440 orders it. */
interface Version {
  readonly epoch: number;
  readonly release: readonly number[];
  readonly pre?: readonly [phase: string, number: number];
  readonly post?: number;
  readonly dev?: number;
  readonly local?: readonly (string | number)[];
}

const pattern =
  /^\s*v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\d+)?)?(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d+)?)?(?:[-_.]?(dev)[-_.]?(\d+)?)?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*$/i;

const phases: Readonly<Record<string, string>> = { alpha: 'a', beta: 'b', c: 'rc', pre: 'rc', preview: 'rc' };

function parseVersion(text: string): Version | undefined {
  if (text.length > 256) return undefined;
  const found = pattern.exec(text);
  if (found === null) return undefined;
  const [, epoch, release = '', phase, number, implicit, post, postNumber, dev, devNumber, local] = found;
  const lower = phase?.toLowerCase();
  return {
    epoch: Number(epoch ?? 0),
    release: release.split('.').map(Number),
    ...(lower === undefined ? {} : { pre: [phases[lower] ?? lower, Number(number ?? 0)] as const }),
    ...(implicit === undefined && post === undefined ? {} : { post: Number(implicit ?? postNumber ?? 0) }),
    ...(dev === undefined ? {} : { dev: Number(devNumber ?? 0) }),
    ...(local === undefined
      ? {}
      : {
          local: local
            .toLowerCase()
            .split(/[-_.]/)
            .map((part) => (/^\d+$/.test(part) ? Number(part) : part)),
        }),
  };
}

/** Negative, 0 or positive, as PEP 440 orders them; what is no version comes before all that are, in byte order. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parseVersion(a), parseVersion(b)];
  if (left === undefined || right === undefined) {
    if (left === right) return a < b ? -1 : a > b ? 1 : 0;
    return left === undefined ? -1 : 1;
  }
  return (
    left.epoch - right.epoch ||
    compareReleases(left.release, right.release) ||
    comparePre(left, right) ||
    (left.post ?? -1) - (right.post ?? -1) ||
    (left.dev ?? Infinity) - (right.dev ?? Infinity) ||
    compareLocal(left.local, right.local) ||
    0
  );
}

/** Whether a version satisfies a list of clauses such as `>=5,<6`. Pre-releases are as good as others. */
export function satisfiesVersion(version: string, specifier: string): boolean {
  return specifier
    .split(',')
    .map((clause) => clause.trim())
    .filter((clause) => clause !== '')
    .every((clause) => satisfiesClause(version, clause));
}

function satisfiesClause(version: string, clause: string): boolean {
  const [, operator, wanted = ''] = /^(===|==|!=|~=|<=|>=|<|>)\s*(.+)$/.exec(clause) ?? [];
  const is = parseVersion(version);
  if (operator === '===') return version.toLowerCase() === wanted.toLowerCase();
  if (is === undefined || operator === undefined) return false;
  const bare = withoutLocal(version);
  if (wanted.endsWith('.*')) {
    const head = parseVersion(wanted.slice(0, -2));
    if (head === undefined) return false;
    const same = is.epoch === head.epoch && head.release.every((part, index) => (is.release[index] ?? 0) === part);
    return operator === '==' ? same : operator === '!=' ? !same : false;
  }
  const other = parseVersion(wanted);
  if (other === undefined) return false;
  // a local version matches what names none
  const equal = compareVersions(other.local === undefined ? bare : version, wanted) === 0;
  switch (operator) {
    case '==':
      return equal;
    case '!=':
      return !equal;
    case '<=':
      return compareVersions(bare, wanted) <= 0;
    case '>=':
      return compareVersions(bare, wanted) >= 0;
    case '~=': {
      const head = other.release.slice(0, -1);
      if (head.length === 0) return false;
      const same = head.every((part, index) => (is.release[index] ?? 0) === part) && is.epoch === other.epoch;
      return same && compareVersions(bare, wanted) >= 0;
    }
    // neither a pre-release of it is before it, nor a post-release after it, unless it is one itself
    case '<': {
      const isPreOfIt = is.pre !== undefined || is.dev !== undefined;
      const sameRelease = is.epoch === other.epoch && compareReleases(is.release, other.release) === 0;
      if (isPreOfIt && sameRelease && other.pre === undefined && other.dev === undefined) return false;
      return compareVersions(bare, wanted) < 0;
    }
    default: {
      const sameRelease = is.epoch === other.epoch && compareReleases(is.release, other.release) === 0;
      if (sameRelease && ((is.post !== undefined && other.post === undefined) || is.local !== undefined)) return false;
      return compareVersions(bare, wanted) > 0;
    }
  }
}

function withoutLocal(version: string): string {
  const plus = version.indexOf('+');
  return plus === -1 ? version : version.slice(0, plus);
}

function compareReleases(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function comparePre(a: Version, b: Version): number {
  const rank = ({ pre, post, dev }: Version): readonly [string, number] => {
    if (pre !== undefined) return pre;
    // 1.0.dev1 is before 1.0a1; 1.0 and 1.0.post1 are after 1.0rc1
    return post === undefined && dev !== undefined ? ['', 0] : ['~', 0];
  };
  const [left, right] = [rank(a), rank(b)];
  return left[0] < right[0] ? -1 : left[0] > right[0] ? 1 : left[1] - right[1];
}

function compareLocal(a: Version['local'], b: Version['local']): number {
  if (a === undefined || b === undefined) return (a === undefined ? 0 : 1) - (b === undefined ? 0 : 1);
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const [left, right] = [a[index], b[index]];
    if (left === undefined) return -1;
    if (right === undefined) return 1;
    if (typeof left !== typeof right) return typeof left === 'number' ? 1 : -1;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}
