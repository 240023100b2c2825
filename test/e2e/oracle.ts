import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { runProcess } from '../../src/sessions/process.ts';
import type { DebFile } from '../../src/toolkits/apt/lay/payload.ts';

/** What mmdebstrap made, and the packages that it made it of. */
export interface Oracle {
  readonly root: string;
  readonly debs: readonly DebFile[];
}

const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: '/root' };

/** Files that mmdebstrap writes and no package has: where it got its packages, and what it marks for apt. */
const ownFiles = ['etc/apt/sources.list', 'etc/fstab', 'var/lib/apt/extended_states'];

/** A root by mmdebstrap, below `folder`; its own files are taken out, its packages kept beside it. */
export async function oracle(
  release: string,
  include: readonly string[],
  mirror: string,
  folder: string,
): Promise<Oracle> {
  const root = join(folder, `oracle-${release}`);
  const debs = join(folder, `debs-${release}`);
  await mmdebstrap(release, include, [`deb ${mirror} ${release} main`], root, ['essential/unlink', 'cleanup/apt']);
  mkdirSync(debs, { recursive: true });
  const archives = join(root, 'var/cache/apt/archives');
  for (const name of readdirSync(archives))
    if (name.endsWith('.deb')) renameSync(join(archives, name), join(debs, name));
  return { root, debs: readDebs(debs) };
}

/** Runs mmdebstrap as root into a folder, in /dev/shm or wherever that is. */
export async function mmdebstrap(
  release: string,
  include: readonly string[],
  sources: readonly string[],
  root: string,
  skip: readonly string[] = [],
): Promise<void> {
  await runProcess(
    [
      'mmdebstrap',
      '--quiet',
      '--mode=root',
      '--variant=minbase',
      '--format=directory',
      ...(include.length === 0 ? [] : [`--include=${include.join(',')}`]),
      ...(skip.length === 0 ? [] : [`--skip=${skip.join(',')}`]),
      release,
      root,
      ...sources,
    ],
    { env: { ...environment, TMPDIR: join(root, '..') } },
  );
  for (const name of ownFiles) rmSync(join(root, name), { force: true });
}

/** The packages of a folder, as apt names their files. */
function readDebs(folder: string): DebFile[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.deb'))
    .sort()
    .map((base) => {
      const [name = '', version = '', architecture = ''] = base.slice(0, -4).split('_');
      const file = join(folder, base);
      const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
      return { name, version: decodeURIComponent(version), architecture, sha256, file };
    });
}
