import type { VolatilePath } from './entry.ts';

/**
 * What no fingerprint counts, whatever the distribution: what differs between two places that were made from one
 * root. Distributions add theirs (`volatile`). Published in docs/dictionary.md under "volatile paths".
 */
export const volatilePaths: readonly VolatilePath[] = [
  { pattern: '/', because: 'the mode of the folder itself is the place’s; many archives do not carry it' },
  { pattern: '/proc/', because: 'the kernel’s view of processes' },
  { pattern: '/sys/', because: 'the kernel’s view of devices' },
  { pattern: '/dev/', because: 'filled by the kernel or by the backend' },
  { pattern: '/run/**', because: 'state of what is running' },
  { pattern: '/tmp/**', because: 'temporary' },
  { pattern: '/var/tmp/**', because: 'temporary' },
  { pattern: '/var/log/**', because: 'logs: what was done and when, not what came of it' },
  { pattern: '/lost+found/', because: 'made with the filesystem' },
  { pattern: '/etc/hostname', because: 'the place’s own name; engines write it' },
  { pattern: '/etc/hosts', because: 'the place’s own name; engines write it' },
  { pattern: '/etc/resolv.conf', because: 'the place’s own network; engines write it' },
  { pattern: '/etc/mtab', because: 'Docker makes it' },
  { pattern: '/etc/machine-id', because: 'drawn for each machine' },
  { pattern: '/var/lib/dbus/machine-id', because: 'drawn for each machine' },
  { pattern: '/etc/.pwd.lock', because: 'there once a program has locked the password file' },
  { pattern: '/var/cache/ldconfig/aux-cache', because: 'inode numbers and times of the libraries' },
  { pattern: '/.dockerenv', because: 'Docker marks its containers' },
  { pattern: '/.singularity.d/', because: 'Apptainer’s own files' },
];

/** A list of volatile paths, made quick to ask. */
export interface VolatileMatcher {
  /** Whether the path is left out. */
  matches(path: string): boolean;
  /** Why the path is left out; undefined where it is not. */
  because(path: string): string | undefined;
  /** Trees that need not be looked at. */
  readonly except: readonly string[];
  /** Folders whose content is left out while they themselves count: also in `except`, to be looked at alone. */
  readonly alone: readonly string[];
}

/** Patterns as `VolatilePath` has them: a path, `TREE/`, or a glob with `*` (within a name) and `**` (across). */
export function volatileMatcher(list: readonly VolatilePath[]): VolatileMatcher {
  const exact = new Map<string, string>();
  const trees = new Map<string, string>();
  const contents = new Map<string, string>();
  const globs: { readonly expression: RegExp; readonly because: string }[] = [];
  for (const { pattern, because } of list) {
    if (pattern === '/') exact.set(pattern, because);
    else if (pattern.endsWith('/**') && !pattern.slice(0, -3).includes('*'))
      contents.set(pattern.slice(0, -3), because);
    else if (pattern.includes('*')) globs.push({ expression: globExpression(pattern), because });
    else if (pattern.endsWith('/')) trees.set(pattern.slice(0, -1), because);
    else exact.set(pattern, because);
  }

  const because = (path: string): string | undefined => {
    const own = exact.get(path) ?? trees.get(path);
    if (own !== undefined) return own;
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const folder = path.slice(0, end);
      const reason = trees.get(folder) ?? contents.get(folder);
      if (reason !== undefined) return reason;
    }
    return globs.find(({ expression }) => expression.test(path))?.because;
  };

  return {
    matches: (path) => because(path) !== undefined,
    because,
    except: [...trees.keys(), ...contents.keys()],
    alone: [...contents.keys()],
  };
}

function globExpression(pattern: string): RegExp {
  const source = pattern
    .replace(/\/$/, '/**')
    .split(/(\*\*\/|\*\*|\*)/)
    .map((piece) => {
      if (piece === '**/') return '(?:.*/)?';
      if (piece === '**') return '.*';
      return piece === '*' ? '[^/]*' : piece.replaceAll(/[\\^$.+?()[\]{}|]/g, String.raw`\$&`);
    })
    .join('');
  return new RegExp(`^${source}$`, 'su');
}
