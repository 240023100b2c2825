import type { BackendContext, Instance, Session, Unusable, Usable } from '../../contract/index.ts';
import type { Host } from '../../sessions/ssh/host.ts';
import { markPlace, placeInstance } from '../../sessions/place-instance.ts';
import { sshSession } from '../../sessions/ssh.ts';
import type { SshParams } from './params.ts';
import { hostOf } from './reach.ts';

/** `--set into=host`: the host as it is, with what a spec has over its base laid over it. Nothing there is confined. */
export async function openHostPlace(params: SshParams, context: BackendContext): Promise<Session | undefined> {
  if (params.into !== 'host') return undefined;
  const session = await enterHost(params);
  markPlace(context);
  return session;
}

/** That host as an instance. */
export function hostInstance(name: string, params: SshParams, context: BackendContext): Instance {
  return placeInstance(name, context, async () => await enterHost(params));
}

/** As whom we are there, and so what can be done to it. */
export function probeHost({ connection: { host }, uid }: Host): Usable | Unusable {
  const as = uid === 0 ? 'as root' : 'as a user: packages of the system cannot be changed';
  return { usable: true, detail: `${host} itself, ${as}; not confined` };
}

async function enterHost(params: SshParams): Promise<Session> {
  const host = await hostOf(params);
  return sshSession({ host, label: host.connection.host });
}
