import { UserError } from '../../model/index.ts';
import type { PlaceOpener } from '../../contract/index.ts';
import { isHost } from '../../sessions/ssh/connection.ts';
import type { Host } from '../../sessions/ssh/host.ts';
import { rootThere, sshSession } from '../../sessions/ssh.ts';
import type { SshParams } from './params.ts';
import { hostOf } from './reach.ts';

/** A host as it is: nothing is changed there but for our own folder, in which our part of the looking lies. */
export const sshPlace: PlaceOpener<SshParams> = {
  word: 'ssh',
  operand: 'HOST',
  async open(reference, params) {
    return rootThere(await named(reference, params), `ssh:${reference}`);
  },
  async enter(reference, params) {
    const host = await named(reference, params);
    const { as } = host;
    const environment = { HOME: as.home };
    return {
      session: sshSession({ host, label: `ssh:${reference}` }),
      entered: { directory: as.home, as, environment },
    };
  },
};

async function named(reference: string, params: SshParams): Promise<Host> {
  if (!isHost(reference)) {
    throw new UserError(`${JSON.stringify(reference)} is not a host`, { status: 2, hint: 'as in ssh USER@HOST' });
  }
  return await hostOf({ ...params, host: reference });
}
