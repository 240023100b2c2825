import { createHash } from 'node:crypto';

import type { Engine, Enclosure } from './held.ts';
import { runProcess } from './process.ts';

/**
 * Lays the overlay where nobody else sees it, and becomes systemd-nspawn. Folders are passed as descriptors: mount(8)
 * would misread what is in a name.
 */
const lay = `
set -e
exec 7<"$1" 8<"$2" 9<"$3"
mount -t overlay -o nosuid,nodev,lowerdir=/proc/self/fd/7,upperdir=/proc/self/fd/8,workdir=/proc/self/fd/9 repronim "$4"
exec 7<&- 8<&- 9<&-
cd /
shift 4
exec "$@"`;

/** Says that it is there, and waits. It is the tree's own program, and has no capabilities at all. */
const wait = 'echo; exec sleep infinity';

/**
 * systemd-nspawn as the maker of an enclosure that is an overlay; `root` is an empty folder for it to be mounted on.
 * Nothing of this machine is let in but what is asked for, nothing is registered, and no file of the tree is written.
 * See systemd-nspawn(1); SYSTEMD_NSPAWN_TMPFS_TMP is in systemd's ENVIRONMENT.md.
 */
export function nspawnEngine(enclosure: Enclosure & Required<Pick<Enclosure, 'overlay'>>, root: string): Engine {
  const { overlay, network, mounts, hostname } = enclosure;
  const machine = `repronim-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`;
  const quoted = (path: string) => path.replaceAll(/[\\:]/g, String.raw`\$&`);
  const nspawn = [
    'systemd-nspawn',
    '--quiet',
    '--register=no',
    '--keep-unit',
    '--pipe',
    `--directory=${root}`,
    `--machine=${machine}`,
    ...(hostname === undefined ? [] : [`--hostname=${hostname}`]),
    `--resolv-conf=${network === 'host' ? 'bind-host' : 'off'}`,
    '--timezone=off',
    '--link-journal=no',
    '--drop-capability=all',
    '--no-new-privileges=yes',
    ...(network === 'host' ? [] : ['--private-network']),
    ...mounts.map(({ source, path, readonly }) => `--bind${readonly ? '-ro' : ''}=${quoted(source)}:${quoted(path)}`),
    '--',
    '/bin/sh',
    '-c',
    wait,
  ];
  const folders = [enclosure.root, overlay.upper, overlay.work, root];
  return {
    argv: ['unshare', '--mount', '--propagation=private', '--', '/bin/sh', '-c', lay, 'sh', ...folders, ...nspawn],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', SYSTEMD_NSPAWN_TMPFS_TMP: '0' },
    detach: ['/run', '/proc/kmsg'], // what lies there is deleted: nothing can be mounted on it
  };
}

/** Whether systemd-nspawn can be used here, and its version. */
export async function probeNspawn(): Promise<
  | { readonly usable: true; readonly detail: string }
  | { readonly usable: false; readonly because: string; readonly hint: string }
> {
  const asked = await runProcess(['systemd-nspawn', '--version'], { cwd: '/', accept: 'any' });
  if (asked.status !== 0) {
    return {
      usable: false,
      because: 'systemd-nspawn is not installed',
      hint: 'apt-get install systemd-container, or leave out --set enter=nspawn',
    };
  }
  if (process.geteuid?.() !== 0) {
    return {
      usable: false,
      because: 'only root can use systemd-nspawn',
      hint: 'run repronim as root, or leave out --set enter=nspawn: our own way in needs no root',
    };
  }
  const [, version = ''] = /^systemd (\S+)/.exec(asked.stdout.toString()) ?? [];
  return { usable: true, detail: `systemd-nspawn ${version}` };
}
