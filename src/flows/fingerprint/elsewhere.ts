import { readFileSync } from 'node:fs';

import { byBytes } from '../../model/index.ts';

/** Something that is mounted on this machine and is not of its disks. */
export interface Elsewhere {
  readonly path: string;
  /** As the kernel calls the filesystem: `nfs4`, `tmpfs`, `overlay`. */
  readonly type: string;
}

/** What disks of a machine have. Everything else is the kernel's, memory, another machine's, or seen elsewhere, too. */
const disks: ReadonlySet<string> = new Set(
  'ext2 ext3 ext4 xfs btrfs zfs f2fs jfs reiserfs bcachefs nilfs2 vfat exfat ntfs3 erofs iso9660'.split(' '),
);

/**
 * What is mounted below `/` and is not this machine's own: kernel views, memory, network filesystems, containers' roots,
 * and folders that are bound to a second place (proc_pid_mountinfo(5)). Sorted, the outermost only.
 */
export function findElsewhere(mountinfo = readMounts()): Elsewhere[] {
  const found = new Map<string, string>();
  const seen = new Set<string>();
  for (const line of mountinfo.split('\n')) {
    const [, , device = '', root = '', point = '', ...rest] = line.split(' ');
    const type = rest[rest.indexOf('-') + 1] ?? '';
    if (!point.startsWith('/')) continue;
    const path = decode(point);
    const place = `${device} ${root}`;
    const isOwn = path === '/' || (disks.has(type) && (!seen.has(place) || decode(root) === path));
    // what lies in a subvolume is on this disk, too; what is bound there twice is not more than it is
    const isBound = disks.has(type) && type !== 'btrfs' && root !== '/' && decode(root) !== path;
    seen.add(place);
    if (path === '/') continue;
    if (isOwn && !isBound) found.delete(path);
    else found.set(path, type);
  }
  const paths = [...found].map(([path, type]) => ({ path, type })).sort((a, b) => byBytes(a.path, b.path));
  return paths.filter(({ path }) => !paths.some((other) => path.startsWith(`${other.path}/`)));
}

function readMounts(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return ''; // no /proc here: then nothing of the kernel's is in the way, either
  }
}

/** Spaces and the like are written in octal. */
function decode(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
