import { existsSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { runProcess } from '../../src/sessions/process.ts';

const environment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
  HOME: '/root',
  DEBIAN_FRONTEND: 'noninteractive',
  NEEDRESTART_MODE: 'l',
};
const updateScript = 'ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || apt-get -qq update';
// Maintainer scripts ask the policy before they start a service; the lists may be older than the mirror.
const installScript = `
p=/usr/sbin/policy-rc.d; mine=
trap '[ -z "$mine" ] || rm -f "$p"' EXIT
[ -e "$p" ] || { mine=1; printf '#!/bin/sh\\nexit 101\\n' >"$p"; chmod 755 "$p"; }
ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || apt-get -qq update
install() { apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=600 -- "$@"; }
install "$@" || { apt-get -qq update; install "$@"; }
`;
let queue: Promise<unknown> = Promise.resolve();

/**
 * Makes sure that these Debian packages are installed on this machine; as root it installs what is missing, without
 * asking and without starting a service. Throws where that can't be done, with the line to type.
 */
export async function need(...packages: string[]): Promise<void> {
  const turn = queue.then(() => install(packages));
  queue = turn.catch(() => {});
  await turn;
}

/**
 * What a backend needs to be tested, or why it can't be had on this machine, for the tests to say. Root of a Debian can
 * install all of it: there, and so in `.ci/run`, what can't be had is a failure, and nothing is skipped.
 */
export async function haveOrSkip<T>(
  get: () => Promise<T>,
): Promise<{ readonly have?: T; readonly skip: string | false }> {
  try {
    return { have: await get(), skip: false };
  } catch (error) {
    if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) throw error;
    return { skip: (error as Error).message };
  }
}

/** The address from which this machine's apt has its own release's main component; no trailing slash. */
export async function mirror(): Promise<string> {
  await alone(updateScript, []);
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
  for (const key of ['Codename', 'Release']) {
    const answer = await runProcess(
      [
        'apt-get',
        'indextargets',
        '--format',
        '$(REPO_URI)',
        'Created-By: Packages',
        'Component: main',
        `${key}: ${codename}`,
      ],
      { env: environment },
    );
    const uri = answer.stdout.toString('utf8').split('\n')[0]?.replace(/\/+$/, '');
    if (uri !== undefined && uri !== '') return uri;
  }
  throw new Error(`apt has no source for ${codename}: see /etc/apt/sources.list`);
}

/**
 * An empty folder for one test file, removed when the process ends. In memory (/dev/shm) where at least `bytes` are
 * free there, else below the temporary folder.
 */
export function scratch(name: string, bytes = 2 ** 31): string {
  const directory = mkdtempSync(join(hasRoom('/dev/shm', bytes) ? '/dev/shm' : tmpdir(), `repronim-${name}-`));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function install(packages: readonly string[]): Promise<void> {
  const missing = await notInstalled(packages);
  if (missing.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0) {
    throw new Error(`this test needs packages that only root can install; type: sudo ${command}`);
  }
  const result = await alone(installScript, missing);
  const still = await notInstalled(missing);
  if (still.length === 0) return;
  throw new Error(`${command} failed: ${result.stderr.toString('utf8').trim().slice(-2000)}`);
}

/** Runs a constant script with arguments while no other test process does; `apt-get update` has no lock that waits. */
async function alone(script: string, args: readonly string[]) {
  return await runProcess(['flock', '/var/lock/repronim-tests-apt', 'sh', '-c', script, 'sh', ...args], {
    env: environment,
    accept: 'any',
  });
}

async function notInstalled(packages: readonly string[]): Promise<string[]> {
  const format = '${Package} ${Package}:${Architecture} ${db:Status-Status}\n';
  const known = await runProcess(['dpkg-query', '-W', '-f', format, '--', ...packages], {
    env: environment,
    accept: 'any',
  });
  const installed = new Set<string>();
  for (const line of known.stdout.toString('utf8').split('\n')) {
    const [name, qualified, status] = line.split(' ');
    if (status !== 'installed') continue;
    installed.add(name ?? '').add(qualified ?? '');
  }
  return packages.filter((name) => !installed.has(name));
}

function hasRoom(directory: string, bytes: number): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize >= bytes;
  } catch {
    return false;
  }
}
