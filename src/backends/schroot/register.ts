import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { UserError } from '../../model/index.ts';
import type { Confinement } from '../../contract/index.ts';
import type { Facts } from './facts.ts';

/** The one folder that schroot looks into, besides its own schroot.conf; schroot.conf(5). */
const chroots = '/etc/schroot/chroot.d';
/** Against which schroot takes names of profiles. */
const profiles = '/etc/schroot';

/** Where the instance's own things are, below its state folder. */
export const foldersOf = (state: string) => ({
  upper: join(state, 'upper'),
  work: join(state, 'work'),
  tree: join(state, 'tree'),
  profile: join(state, 'profile'),
});

/**
 * Says to schroot what the chroot is; only as long as a session of it begins: a second one would share our upper
 * folder. Written as a whole: one half-written file would keep everybody from using schroot.
 */
export function register(facts: Facts, confinement: Confinement, state: string): void {
  const lines = facts.profile === undefined ? ownProfile(facts, confinement, state) : [`profile=${facts.profile}`];
  const text = [
    '# repronim is beginning a session of this chroot; the file goes when that is done',
    `[${facts.session}]`,
    'description=an instance of repronim',
    'message-verbosity=quiet',
    ...typeLines(facts, state),
    ...lines,
  ];
  const file = fileOf(facts);
  const fresh = join(chroots, `.${facts.session}.new`); // names with a dot are looked past
  writeFileSync(fresh, `${text.join('\n')}\n`, { mode: 0o644 });
  chmodSync(fresh, 0o644);
  renameSync(fresh, file);
}

/** Takes it back, whole or half-written. */
export function unregister(facts: Facts): void {
  rmSync(join(chroots, `.${facts.session}.new`), { force: true });
  rmSync(fileOf(facts), { force: true });
}

/** Whether a session of it was being begun when its beginner ended. */
export function isRegistered(facts: Facts): boolean {
  return existsSync(fileOf(facts));
}

function fileOf({ session }: Facts): string {
  return join(chroots, session);
}

function typeLines(facts: Facts, state: string): string[] {
  if (facts.type === 'file') {
    const file = facts.unpacked === true ? emptyTar(state) : (facts.file ?? '');
    return ['type=file', `file=${plain(file)}`];
  }
  const { upper, work } = foldersOf(state);
  const lower = plain(facts.rootfs);
  // as mount(8) takes them. Anybody here can go to where schroot mounts it: nobody else may become root by that.
  const guard = facts.enter === 'namespaces' ? 'nosuid,nodev,' : '';
  return [
    'type=directory',
    `directory=${lower}`,
    'union-type=overlay',
    `union-mount-options=${guard}lowerdir=${lower},upperdir=${plain(upper)},workdir=${plain(work)}`,
  ];
}

/**
 * A profile of ours: nothing of this machine is copied, nothing is mounted but what was asked for. Its `config` is
 * sourced by each of schroot's scripts: those that would write into the tree end there.
 */
function ownProfile(facts: Facts, confinement: Confinement, state: string): string[] {
  const { profile } = foldersOf(state);
  mkdirSync(profile, { recursive: true, mode: 0o700 });
  const isSchroot = facts.enter === 'schroot';
  const mounts = isSchroot ? [...kernelMounts, ...confinement.mounts.map(mountLine)] : [];
  writeFileSync(join(profile, 'fstab'), mounts.map((line) => `${line}\n`).join(''));
  const steps = `case "\${0##*/}" in 00*|05*|10*|15killprocs|99*) ;; *) exit 0 ;; esac`;
  writeFileSync(join(profile, 'config'), `${steps}\n${isSchroot ? `FSTAB='${plain(join(profile, 'fstab'))}'\n` : ''}`);
  return [
    `setup.config=${plain(relative(profiles, join(profile, 'config')))}`,
    'setup.copyfiles=',
    'setup.nssdatabases=',
    'setup.fstab=',
  ];
}

/** As schroot's own minimal profile has them, and the devices. */
const kernelMounts = ['/proc', '/sys', '/dev', '/dev/pts'].map((path) => `${path} ${path} none rw,bind 0 0`);

function mountLine({ source, path, readonly }: Confinement['mounts'][number]): string {
  const quoted = (word: string) =>
    word.replaceAll(/[\s\\#]/g, (mark) => `\\${mark.charCodeAt(0).toString(8).padStart(3, '0')}`); // fstab(5)
  return `${quoted(source)} ${quoted(path)} none ${readonly ? 'ro' : 'rw'},bind 0 0`;
}

/** A path that can stand in schroot's configuration and in mount options, which know no quoting. */
function plain(path: string): string {
  if (/^[\w@%+=./-]+$/.test(path)) return path;
  throw new UserError(`schroot can't be told of ${path}: it can't quote what is in that name`, {
    hint: 'set REPRONIM_HOME to a folder whose name has only letters, digits and ._-',
  });
}

/** What schroot unpacks over what is unpacked already: nothing. */
function emptyTar(state: string): string {
  const file = join(state, 'nothing.tar');
  if (!existsSync(file)) writeFileSync(file, Buffer.alloc(10_240));
  return file;
}
