import { join } from 'node:path';

import type { Confinement } from '../../contract/index.ts';
import type { Engine } from '../../sessions/held.ts';
import { waiterPath } from './waiter.ts';

/** What an instance is, as the inventory keeps it. */
export interface Laid {
  readonly program: string;
  /** A folder, or a SIF. */
  readonly image: string;
  /** `overlay`: changes lie over the image; `copy`: the image is this instance's own. */
  readonly tree: 'overlay' | 'copy';
}

/**
 * How apptainer makes the enclosure: everything of the host that it lets in unasked is turned away. One `exec` and no
 * `instance start`: that takes three times as long, and leaves a daemon and notes of its own in the home folder.
 */
export function engineOf(laid: Laid, confinement: Confinement, state: string): Engine {
  const own = join(state, 'apptainer');
  const words = [
    '--silent',
    'exec',
    '--containall',
    '--cleanenv',
    '--no-home',
    '--no-mount',
    'home,tmp,cwd,hostfs,bind-paths',
    '--no-privs',
    '--uts',
    ...(confinement.network === 'none' ? ['--net', '--network', 'none'] : []),
    ...mountWords({ source: join(state, 'waiter'), path: '/.singularity.d', readonly: true }),
    ...confinement.mounts.flatMap(mountWords),
    ...(laid.tree === 'copy' ? ['--writable'] : ['--overlay', join(state, 'overlay')]),
    laid.image,
    waiterPath,
  ];
  const env: Record<string, string> = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: own,
  };
  for (const name of ['APPTAINER', 'SINGULARITY']) {
    for (const folder of ['CONFIGDIR', 'CACHEDIR', 'TMPDIR']) env[`${name}_${folder}`] = own;
  }
  return { argv: [laid.program, ...words], env };
}

/** One `--mount`, whose value is a line of comma-separated values: quoted, so that no path can be misread. */
function mountWords({ source, path, readonly }: Confinement['mounts'][number]): string[] {
  const fields = ['type=bind', `source=${source}`, `destination=${path}`, ...(readonly ? ['ro'] : [])];
  return ['--mount', fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(',')];
}
