import * as v from 'valibot';

import { UserError } from '../../model/index.ts';
import type { PlaceOpener } from '../../contract/index.ts';
import { isHost } from '../../sessions/ssh/connection.ts';
import { rootThere } from '../../sessions/ssh.ts';
import { sshParams, type SshParams } from './params.ts';
import { hostOf } from './reach.ts';

/** A host as it is: nothing is changed there but for our own folder, in which our part of the looking lies. */
export const sshPlace: PlaceOpener<SshParams> = {
  word: 'ssh',
  operand: 'HOST',
  async open(reference, params) {
    if (!isHost(reference)) {
      throw new UserError(`${JSON.stringify(reference)} is not a host`, { status: 2, hint: 'as in ssh USER@HOST' });
    }
    const host = await hostOf(v.parse(sshParams, { ...params, host: reference }));
    return rootThere(host, `ssh:${reference}`);
  },
};
