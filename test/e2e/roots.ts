import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import type { Rootfs } from '../../src/contract/index.ts';
import { places } from '../../src/inventory/places.ts';
import { sha256 } from '../../src/model/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { mirror, need } from './need.ts';

/**
 * A minimal Debian (Essential packages and apt; perl is one of them) of this machine's own mirror, made once and kept
 * in the user's cache. Nobody writes to it: backends lay over it or copy it.
 */
export async function smallRoot(suite = 'bookworm'): Promise<Rootfs> {
  const folder = join(places(process.env).cache, 'test-roots');
  const directory = join(folder, `${suite}-minbase`);
  const rootfs = { directory, digest: sha256(`${suite} minbase`) };
  if (existsSync(directory)) return rootfs;
  await need('mmdebstrap');
  mkdirSync(folder, { recursive: true });
  const partial = join(folder, `${suite}-${process.pid}`);
  const cannotCheckDates = ['--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=Acquire::Check-Date "false"'];
  try {
    await runProcess(
      [
        'mmdebstrap',
        '--quiet',
        '--variant=minbase',
        '--format=directory',
        ...cannotCheckDates,
        suite,
        partial,
        await mirror(),
      ],
      { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: '/root' } },
    );
    if (!existsSync(directory)) renameSync(partial, directory);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return rootfs;
}

/**
 * The same without what no law asks for, a third of its size: for backends that copy it, pack it, or have to export the
 * whole to look at one file.
 */
export async function slimRoot(): Promise<Rootfs> {
  const { directory: from } = await smallRoot();
  const directory = `${from}-slim`;
  const rootfs = { directory, digest: sha256('bookworm minbase, slim') };
  if (existsSync(directory)) return rootfs;
  const partial = `${directory}-${process.pid}`;
  try {
    await runProcess(['cp', '-a', '--reflink=auto', from, partial]);
    const unneeded = ['doc', 'locale', 'zoneinfo', 'man', 'perl'].map((name) => join('usr/share', name));
    const gconv = readdirSync(join(partial, 'usr/lib')).map((name) => join('usr/lib', name, 'gconv'));
    for (const path of [...unneeded, ...gconv, 'var/lib/apt/lists', 'var/cache', 'var/lib/dpkg/info']) {
      rmSync(join(partial, path), { recursive: true, force: true });
    }
    if (!existsSync(directory)) renameSync(partial, directory);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return rootfs;
}
