import { UserError } from '../../model/index.ts';
import type { Backend, Unusable, Usable } from '../../contract/index.ts';
import { unmarkPlace } from '../../sessions/place-instance.ts';
import { runProcess } from '../../sessions/process.ts';
import { controlOf } from '../../sessions/ssh/control.ts';
import type { Host } from '../../sessions/ssh/host.ts';
import { sshAdopter } from './adopt.ts';
import { assemble, removeImage } from './assemble.ts';
import { hostInstance, openHostPlace, probeHost } from './host-place.ts';
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
      return params.into === 'host' ? probeHost(host) : await tryHost(host);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { usable: false, because: error.message, hint: error.hint ?? 'choose another backend' };
    }
  },
  imageKey: ({ host = '', folder, config = '' }) => [host, folder, config].join(' '),
  isThere: ({ into }) => into === 'host',
  open: openHostPlace,
  assemble,
  removeImage,
  launch,
  async attach(record, params, context) {
    return params.into === 'host' ? hostInstance(record.name, params, context) : await attach(record, params);
  },
  async sweep(record, params, context) {
    if (params.into === 'host') await unmarkPlace(context);
    else await sweep(record, params);
  },
  place: sshPlace,
  adopt: sshAdopter,
};

/** What the host lets us do, found by trying. */
async function tryHost(host: Host): Promise<Usable | Unusable> {
  const { host: name } = host.connection;
  const [ids = '', how = '', because = ''] = await controlOf(host).ask('probe');
  if (how === 'none') {
    const unusable = { usable: false, because: `${name}: ${because}` } as const;
    return ids === 'root'
      ? { ...unusable, hint: 'that looks like a container: let it have SYS_ADMIN, or say --trust', whenTrusted: true }
      : { ...unusable, hint: 'user namespaces are switched off there: ask the administrator' };
  }
  const kinds: Readonly<Record<string, string>> = {
    root: 'as root',
    subordinate: 'user namespaces, subordinate ids',
    single: 'user namespaces, one id',
  };
  return { usable: true, detail: `${name}: ${kinds[ids] ?? ids}${how === 'copy' ? ', no overlay' : ''}` };
}

/** Without a host, there is nothing to try but whether hosts can be reached at all. */
async function findClient(signal: AbortSignal): Promise<Usable | Unusable> {
  const { status, stderr } = await runProcess(['ssh', '-V'], { accept: 'any', signal });
  if (status === 127) return { usable: false, because: 'there is no ssh here', hint: 'install openssh-client' };
  const [version = 'ssh'] = stderr.toString('utf8').split(',');
  return { usable: true, detail: `${version.trim()}; which host: --set host=NAME` };
}
