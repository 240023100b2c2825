import { UserError } from '../../model/index.ts';
import type { Backend, Unusable, Usable } from '../../contract/index.ts';
import { runProcess } from '../../sessions/process.ts';
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
  async probe(params, { signal }) {
    if (params.host === undefined) return await findClient(signal);
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

/** Without a host, there is nothing to try but whether hosts can be reached at all. */
async function findClient(signal: AbortSignal): Promise<Usable | Unusable> {
  const { status, stderr } = await runProcess(['ssh', '-V'], { accept: 'any', signal });
  if (status === 127) return { usable: false, because: 'there is no ssh here', hint: 'install openssh-client' };
  const [version = 'ssh'] = stderr.toString('utf8').split(',');
  return { usable: true, detail: `${version.trim()}; which host: --set host=NAME` };
}
