import { UserError } from '../../model/index.ts';
import type { Backend } from '../../contract/index.ts';
import { assemble, removeImage } from './assemble.ts';
import { attach, launch, sweep } from './instance.ts';
import { sshParams, type SshParams } from './params.ts';
import { sshPlace } from './place.ts';
import { hostOf } from './reach.ts';

/** Any host that ssh reaches: the rootfs is carried there and entered with the kernel's own means. */
export const ssh: Backend<SshParams> = {
  name: 'ssh',
  title: 'a host over ssh, entered with namespaces and pivot_root',
  params: sshParams,
  async probe(params) {
    try {
      const host = await hostOf(params);
      const as = host.uid === 0 ? 'as root' : 'user namespaces';
      return { usable: true, detail: `${params.host}, ${as}` };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { usable: false, because: error.message, hint: error.hint ?? 'choose another backend' };
    }
  },
  assemble,
  removeImage,
  launch,
  attach,
  sweep,
  place: sshPlace,
};
