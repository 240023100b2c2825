import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { places } from '../../src/inventory/places.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { bindToOlderLibc } from './bind-older-libc.ts';
import { mirror, need } from './need.ts';

const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: '/root' };
/** Debian's release that has it. */
const release = 'sid';

/**
 * Apptainer's program on this machine: what is installed, or may be; else the package of the release that has it, of
 * this machine's own mirror, unpacked privately and kept in the user's cache. Throws where none of it can be had.
 */
export async function apptainerHere(): Promise<string> {
  if (process.getuid?.() === 0) await need('squashfuse', 'fuse3', 'uidmap', 'squashfs-tools-ng', 'libseccomp2');
  for (const program of ['/usr/bin/apptainer', '/usr/local/bin/apptainer']) if (await runs(program)) return program;
  const policy = await runProcess(['apt-cache', 'policy', 'apptainer'], { env: environment });
  if (/Candidate: \d/.test(policy.stdout.toString())) {
    await need('apptainer');
    return '/usr/bin/apptainer';
  }
  const prefix = join(places(process.env).cache, 'test-apptainer');
  const program = join(prefix, 'usr/bin/apptainer');
  if (!existsSync(program)) await unpack(prefix);
  if (await runs(program)) return program;
  throw new Error(`apptainer of Debian ${release} does not run here`);
}

async function runs(program: string): Promise<boolean> {
  return (await runProcess([program, '--version'], { accept: 'any' })).status === 0;
}

/** Lays the package where nobody else looks. apt checks it: signatures and all, with lists of its own. */
async function unpack(prefix: string): Promise<void> {
  mkdirSync(join(prefix, '..'), { recursive: true });
  const work = mkdtempSync(`${prefix}-`);
  try {
    for (const folder of ['lists/partial', 'empty']) mkdirSync(join(work, folder), { recursive: true });
    const keys = '/usr/share/keyrings/debian-archive-keyring.gpg';
    writeFileSync(join(work, 'list'), `deb [signed-by=${keys}] ${await mirror()} ${release} main\n`);
    writeFileSync(join(work, 'status'), '');
    const options = {
      'Dir::Etc::sourcelist': join(work, 'list'),
      'Dir::Etc::sourceparts': join(work, 'empty'),
      'Dir::State::lists': join(work, 'lists'),
      'Dir::State::status': join(work, 'status'),
      'Dir::Cache::pkgcache': '',
      'Dir::Cache::srcpkgcache': '',
      'Acquire::Check-Valid-Until': 'false',
      'Acquire::Languages': 'none',
      'APT::Sandbox::User': 'root',
    };
    const words = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    for (const act of [['update'], ['download', 'apptainer']]) {
      const got = await runProcess(['apt-get', '-qq', ...words, ...act], {
        env: environment,
        cwd: work,
        accept: 'any',
      });
      if (got.status === 0) continue;
      throw new Error(`apptainer of Debian ${release} cannot be had: ${got.stderr.toString().trim()}`);
    }
    const deb = readdirSync(work).find((name) => name.endsWith('.deb')) ?? '';
    const tree = join(work, 'tree');
    await runProcess(['dpkg-deb', '-x', join(work, deb), tree], { env: environment });
    for (const file of programsOf(tree)) writeFileSync(file, bindToOlderLibc(readFileSync(file)));
    // it looks for its files beside itself when it is not where it was built for
    for (const folder of ['etc', 'var']) {
      mkdirSync(join(tree, folder), { recursive: true });
      symlinkSync(`../${folder}`, join(tree, 'usr', folder));
      symlinkSync(`../../${folder}`, join(tree, 'usr/lib', folder));
    }
    mkdirSync(join(tree, 'var/lib/apptainer/mnt/session'), { recursive: true });
    await runProcess(['chmod', '-R', 'go+rX', tree]);
    if (!existsSync(prefix)) renameSync(tree, prefix);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function programsOf(tree: string): string[] {
  const libraries = readdirSync(join(tree, 'usr/lib')).map((name) =>
    join(tree, 'usr/lib', name, 'apptainer/bin/starter'),
  );
  return [join(tree, 'usr/bin/apptainer'), ...libraries].filter((file) => existsSync(file));
}
