import { posix } from 'node:path';

import { UserError } from '../../model/index.ts';
import type { PlaceOpener, Root, Session } from '../../contract/index.ts';
import { isHost } from '../../sessions/ssh/connection.ts';
import type { Host } from '../../sessions/ssh/host.ts';
import { remoteRoot } from '../../sessions/ssh/root.ts';
import { rootThere, sshSession } from '../../sessions/ssh.ts';
import { layerThere } from './layer-there.ts';
import type { SshParams } from './params.ts';
import { hostOf } from './reach.ts';

/**
 * A host as it is, or a folder of it as the root of what is looked at: nothing is changed there but for our own folder,
 * in which our part of the looking lies.
 */
export const sshPlace: PlaceOpener<SshParams> = {
  word: 'ssh',
  operand: 'HOST[:DIR]',
  async open(reference, params) {
    const { host, directory } = await referred(reference, params);
    return directory === undefined ? rootThere(host, `ssh:${reference}`) : folderRoot(host, directory);
  },
  async enter(reference, params) {
    const { host, directory } = await referred(reference, params);
    if (directory === undefined) return { session: hostSession(host), entered: enteredOn(host) };
    const session = await layerThere(host, directory, { level: 'confined', network: 'none', mounts: [] });
    const as = { uid: 0, gid: 0, umask: '0022', home: '/root' };
    return { session, entered: { directory: '/', as, environment: {} } };
  },
};

/** What `HOST` or `HOST:DIR` names, connected. Throws UserError 2 for what is neither. */
export async function referred(
  reference: string,
  params: SshParams,
): Promise<{ readonly host: Host; readonly directory?: string }> {
  const { name, directory } = split(reference);
  if (!isHost(name) || (directory !== undefined && (directory.includes('\0') || directory.length > 4000))) {
    throw new UserError(`${JSON.stringify(reference)} is not a host`, {
      status: 2,
      hint: 'HOST or USER@HOST as ssh takes it; HOST:/DIR is a folder there',
    });
  }
  const host = await hostOf({ ...params, host: name });
  if (directory === undefined) return { host };
  const [real] = await rootThere(host, name).realpath([directory]);
  const [stat] = real === undefined ? [] : await rootThere(host, name).lstat([real]);
  if (stat?.type === 'directory') return { host, directory };
  throw new UserError(`${directory} is not a folder on ${name}`, { status: 2 });
}

export function hostSession(host: Host): Session {
  return sshSession({ host, label: `ssh:${host.connection.host}` });
}

/** How commands are run on a host where nothing else is said. */
export function enteredOn({ as }: Host) {
  return { directory: as.home, as, environment: { HOME: as.home } };
}

function folderRoot(host: Host, directory: string): Root {
  const label = `ssh:${host.connection.host}:${directory}`;
  if (host.uid === 0) return remoteRoot(host, label, ['@root', directory]);
  throw new UserError(`only root can look into a folder of ${host.connection.host} as it is`, {
    status: 4,
    hint: 'owners of files are not seen by others; name a login that is root there, as in ssh:root@HOST:DIR',
  });
}

/** A colon before an absolute path parts them: it stands in no host's name, and `ssh://` is none. */
function split(reference: string): { readonly name: string; readonly directory?: string } {
  const at = reference.search(/:\/(?!\/)/);
  if (at < 0) return { name: reference };
  return { name: reference.slice(0, at), directory: posix.normalize(reference.slice(at + 1)) };
}
