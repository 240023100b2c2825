import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import type { CreateContext, LaidRoot, Session } from '../../../contract/index.ts';
import { UserError, type Argv } from '../../../model/index.ts';
import { appendManifest } from '../../../roots/manifest.ts';
import { enclose } from '../../../sessions/confined.ts';
import { findMapping, removeMapped } from '../../../sessions/mapped.ts';
import { CommandFailed } from '../../../sessions/process.ts';
import { workFolder } from '../../apt/lay/bytecode.ts';
import { preparePretence, pretendedOwners } from '../../apt/lay/pretend-owners.ts';
import type { RpmLock, RpmSpec } from '../spec.ts';
import { borrowRpm, type Borrowed } from './borrow.ts';
import { withRpm } from './rpm-file.ts';
import { findTools, type RpmFile } from './tools.ts';
import { tarOf, tarOfFiles } from './unpack.ts';

const environment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LC_ALL: 'C',
  LANG: 'C',
} as const;

/** Accounts as they were: with them there, scripts make none, and ids are the traced system's. */
const accounts: readonly string[] = ['/etc/passwd', '/etc/group'];
/** What is there while scripts run and is not rpm's to touch. */
const mounted = '/proc:/sys:/dev';
const buildTime = 1006;

/**
 * Lays exactly the locked packages, which are in the store, into an empty folder: what rpm needs to run is unpacked by
 * us, and then the very rpm that is among them installs all of it, itself too, scripts and triggers in its order,
 * confined, with nothing started. Its database is so in the form that it reads.
 */
export async function bootstrap(
  spec: RpmSpec,
  lock: RpmLock,
  directory: string,
  context: CreateContext,
): Promise<LaidRoot> {
  refuseForeign(spec.architecture);
  const packages = await Promise.all(lock.packages.map((one) => openLocked(one, context)));
  const tools = findTools(packages);
  if (!existsSync(directory)) mkdirSync(directory, { recursive: true, mode: 0o755 });
  else if (readdirSync(directory).length > 0) {
    throw new UserError(`cannot lay a root into ${directory}: it is not an empty folder`);
  }
  const { signal, onProgress } = context;
  onProgress({ step: 'create', what: 'unpack', done: 0, total: packages.length, unit: 'packages' });
  // whoever may have files of one owner only has it written down who they would be given to
  const pretends = findMapping().kind === 'single';
  mkdirSync(join(directory, workFolder));
  const borrowed = tools === undefined ? await borrowRpm(directory) : { argv: ['/usr/bin/rpm'], env: {} };
  const under = pretends ? await preparePretence(directory) : [];
  await using session = await enclose(
    {
      root: directory,
      level: context.trusted ? 'trusted' : 'confined',
      network: 'none',
      mounts: [],
      hostname: 'localhost',
      watched: true,
    },
    signal,
  );
  await session.untar(tarOf(tools ?? []), '/');
  await session.untar(tarOfFiles(workFiles(packages, lock, context)), '/');
  onProgress({ step: 'create', what: 'install', done: 0, total: packages.length, unit: 'packages' });
  await install(packages, lock, session, { ...borrowed, argv: [...under, ...borrowed.argv] }, signal);
  const owned = pretends ? pretendedOwners(directory, []) : [];
  for (const left of [workFolder, '/etc/passwd.rpmnew', '/etc/group.rpmnew']) await removeMapped(join(directory, left));
  if (!pretends) return { directory };
  const manifest = `${directory}.manifest`;
  rmSync(manifest, { force: true });
  await appendManifest(
    manifest,
    owned.map(([path, uid, gid]) => ({ path, uid, gid })),
  );
  return { directory, manifest };
}

async function openLocked(one: RpmLock['packages'][number], { store }: CreateContext): Promise<RpmFile> {
  const { name, version, sha256 } = one;
  const file = await store.find(sha256);
  if (file === undefined) throw new UserError(`${name} ${version} is not in the store`, { hint: 'create it again' });
  const header = await withRpm(file, `${name} ${version}`, (archive) => archive.header);
  return { name, version, file, header };
}

async function* workFiles(packages: readonly RpmFile[], lock: RpmLock, { store }: CreateContext) {
  for (const [index, { file }] of packages.entries()) {
    yield { path: `${workFolder}/${index}.rpm`, mode: 0o644, content: readFileSync(file) };
  }
  for (const [name, { sha256 }] of Object.entries(lock.keys ?? {})) {
    const file = await store.find(sha256);
    if (file !== undefined) yield { path: `${workFolder}/${name}.key`, mode: 0o644, content: readFileSync(file) };
  }
  const list = packages.map((_, index) => `${workFolder}/${index}.rpm\n`).join('');
  yield { path: `${workFolder}/list`, mode: 0o644, content: Buffer.from(list) };
  for (const { path, sha256, left } of lock.changed ?? []) {
    const file =
      accounts.includes(path) && left === undefined && sha256 !== undefined ? await store.find(sha256) : undefined;
    if (file !== undefined) yield { path, mode: 0o644, content: readFileSync(file) };
  }
}

async function install(
  packages: readonly RpmFile[],
  lock: RpmLock,
  session: Session,
  program: Borrowed,
  signal: AbortSignal,
): Promise<void> {
  const rpm = (...words: readonly string[]): Argv => {
    const [first = '/usr/bin/rpm', ...rest] = [...program.argv, ...words];
    return [first, ...rest];
  };
  const { path, format } = lock.database;
  const plain = ['--dbpath', path, '--define', '_flush_io 0', '--define', `_netsharedpath ${mounted}`] as const;
  const chosen = [...plain, '--define', `_db_backend ${format}`] as const;
  // an rpm that can't write this form (bdb by new ones, ndb by many) takes its own
  const tried = await session.run(rpm(...chosen, '--initdb'), {
    env: { ...environment, ...program.env },
    signal,
    accept: 'any',
  });
  const cannot = tried.status !== 0 || /invalid|dummy|unknown/i.test(tried.stderr.toString('utf8'));
  const options = cannot ? plain : chosen;
  const unchecked = [
    '--nodeps',
    '--nosignature',
    '--nodigest',
    '--define',
    '_pkgverify_level none',
    '--ignorearch',
    '--ignoreos',
  ];
  const asThere = lock.documentation === false ? ['--excludedocs'] : [];
  const time = Math.max(0, ...packages.map(({ header }) => header.numbers(buildTime)[0] ?? 0));
  const env = { ...environment, ...program.env, SOURCE_DATE_EPOCH: String(time) };
  try {
    await session.run(rpm(...options, '-i', '--force', ...unchecked, ...asThere, `${workFolder}/list`), {
      env,
      signal,
    });
  } catch (error) {
    if (error instanceof CommandFailed) throw asUserError(error);
    throw error;
  }
  const keys = Object.keys(lock.keys ?? {}).map((name) => `${workFolder}/${name}.key`);
  // a key that this rpm does not take (too weak by now) was none that it would have used
  for (const key of keys) await session.run(rpm(...options, '--import', key), { env, signal, accept: 'any' });
}

/** What this machine's kernel runs: by Node's name of it, rpm's. */
const native: Readonly<Record<string, readonly string[]>> = {
  x64: ['x86_64', 'x86_64_v2', 'i386', 'i486', 'i586', 'i686', 'athlon', 'noarch'],
  arm64: ['aarch64', 'noarch'],
  ppc64: ['ppc64le', 'noarch'],
  s390x: ['s390x', 'noarch'],
  riscv64: ['riscv64', 'noarch'],
  loong64: ['loongarch64', 'noarch'],
};

/** rpm's name of this machine's architecture; undefined where it has none. */
export function nativeArchitecture(): string | undefined {
  return native[process.arch]?.[0];
}

function refuseForeign(architecture: string | undefined): void {
  if (architecture === undefined || native[process.arch]?.includes(architecture) === true) return;
  if (existsSync(`/proc/sys/fs/binfmt_misc/qemu-${architecture}`)) return;
  throw new UserError(
    `this environment is for ${architecture}, and this machine is ${nativeArchitecture() ?? process.arch}`,
    {
      status: 4,
      hint: `create it on such a machine (-b ssh), or install qemu-user-static, which runs ${architecture} programs here`,
    },
  );
}

function asUserError(failure: CommandFailed): UserError {
  const said = `${failure.result.stdout.toString('utf8')}\n${failure.result.stderr.toString('utf8')}`;
  const lines = said.split('\n').filter((line) => line.trim() !== '');
  const named = lines.filter((line) => /^error:|failed|not found|denied/.test(line)).slice(0, 5);
  return new UserError(
    `the packages could not be installed: ${(named.length > 0 ? named : lines.slice(-3)).join('; ')}`,
    { details: lines.slice(-20), cause: failure },
  );
}
