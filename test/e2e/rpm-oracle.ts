import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Store } from '../../src/contract/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import type { RpmLock } from '../../src/toolkits/rpm/spec.ts';
import type { VolatilePath } from '../../src/model/index.ts';
import { databasePath } from './rpm-world.ts';

/** Paths of which dnf's root is otherwise than ours, each with the reason: all others are the same to the last byte. */
export const byDnf: readonly VolatilePath[] = [
  { pattern: '/etc/dnf/**', because: 'an empty folder of modules that dnf makes' },
  { pattern: '/var/lib/dnf/**', because: "dnf's history" },
  { pattern: '/var/lib/rpm/rpmdb.sqlite*', because: 'the time of installation is in it' },
];

/**
 * A root by `dnf --installroot` of exactly the locked packages, from a repository that has these very .rpms (which are
 * in the store) and nothing else. Made below `folder`.
 */
export async function dnfRoot(lock: RpmLock, store: Store, folder: string): Promise<string> {
  const [repository, root, home] = ['repository', 'root', 'home'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const made of [repository, home]) mkdirSync(made, { recursive: true });
  // this machine's rpm has its database in the home, without this; what was repacked has no digest of its payload
  writeFileSync(join(home, '.rpmmacros'), `%_dbpath ${databasePath}\n%_pkgverify_level none\n`);
  const names: string[] = [];
  for (const { name, version, architecture, sha256 } of lock.packages) {
    const full = `${name}-${version.replace(/^[0-9]+:/, '')}.${architecture}`;
    const file = await store.find(sha256);
    if (file === undefined) throw new Error(`${full} is not in the store`);
    linkSync(file, join(repository, `${full}.rpm`));
    names.push(`${name}-${version}.${architecture}`);
  }
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: home };
  await runProcess(['createrepo_c', '-q', repository], { env });
  const options = ['--releasever=8', '--repofrompath', `exact,${repository}`, '--repo=exact', '--nogpgcheck'];
  const quiet = ['-y', '-q', '--setopt=install_weak_deps=False', `--setopt=cachedir=${home}/cache`];
  await runProcess(['dnf', ...quiet, `--installroot=${root}`, ...options, 'install', '--', ...names], { env });
  return root;
}
