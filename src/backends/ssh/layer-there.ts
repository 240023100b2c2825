import { randomBytes } from 'node:crypto';

import { UserError } from '../../model/index.ts';
import type { Confinement, Session } from '../../contract/index.ts';
import type { Fields } from '../../sessions/enter.ts';
import { cannotEnclose } from '../../sessions/held.ts';
import { RemoteFailed } from '../../sessions/ssh/channel.ts';
import { controlOf } from '../../sessions/ssh/control.ts';
import type { Host } from '../../sessions/ssh/host.ts';
import { sshSession } from '../../sessions/ssh.ts';
import { enclosureFields } from './enclosure-fields.ts';

/**
 * Being in a folder of a host, confined: what is changed goes into a layer that ends with the session, or with
 * `writable` into the folder itself. Throws UserError 4 where nothing can be confined there.
 */
export async function layerThere(
  host: Host,
  directory: string,
  confinement: Confinement,
  writable = false,
): Promise<Session> {
  const name = `layer-${randomBytes(6).toString('hex')}`;
  const state = `${host.folder}/instances/${name}`;
  const control = controlOf(host);
  const fields: Fields = enclosureFields('layer', confinement, {
    root: directory,
    ...(writable ? {} : { upper: `${state}/upper`, work: `${state}/work` }),
  });
  const remove = async () => void (await control.ask('remove', { state }));
  try {
    await control.ask('make', { state, digest: 'none', below: directory });
    const held = await control.hold('hold', { state }, fields.flat().map(String));
    const label = `ssh:${host.connection.host}:${directory}`;
    const instance = { state, fields };
    const dispose = async () => {
      await held.release();
      await remove();
    };
    return sshSession({ host, label, instance, dispose });
  } catch (error) {
    await remove();
    if (error instanceof RemoteFailed) throw explained(error, host);
    throw error;
  }
}

function explained(error: RemoteFailed, host: Host): UserError {
  const { message, hint } = cannotEnclose(error.step, error.because);
  return new UserError(`${host.connection.host}: ${message}`, {
    status: 4,
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}
