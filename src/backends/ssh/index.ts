import { UserError } from '../../model/index.ts';
import type { Backend, ImageRecord, Unusable, Usable } from '../../contract/index.ts';
import { unmarkPlace } from '../../sessions/place-instance.ts';
import { runProcess } from '../../sessions/process.ts';
import { assemble as assembleImage, removeImage as removeOfEngine } from '../../toolkits/engine/assemble.ts';
import type { EngineKind } from '../../toolkits/engine/kind.ts';
import {
  attach as attachContainer,
  launch as launchContainer,
  sweep as sweepContainer,
} from '../../toolkits/engine/launch.ts';
import { sshAdopter } from './adopt.ts';
import { assemble, removeImage } from './assemble.ts';
import { chooseWay } from './choose-way.ts';
import { hostInstance, openHostPlace, probeHost } from './host-place.ts';
import { attach, launch, sweep } from './instance.ts';
import { podmanOn, podmanParams } from './podman.ts';
import { sshParams, type SshParams } from './params.ts';
import { sshPlace } from './place.ts';
import { hostOf } from './reach.ts';

/** Any host that ssh reaches: the rootfs is carried there and entered with the kernel's own means. */
export const ssh: Backend<SshParams> = {
  name: 'ssh',
  title: 'a host over ssh, entered with what it has',
  params: sshParams,
  async probe(params, { signal }) {
    if (params.host === undefined) return await findClient(signal);
    try {
      const host = await hostOf(params);
      return params.into === 'host' ? probeHost(host) : await chooseWay(host, params, signal);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { usable: false, because: error.message, hint: error.hint ?? 'choose another backend' };
    }
  },
  imageKey: ({ host = '', folder, config = '', enter }) =>
    [host, folder, config, ...(enter === undefined ? [] : [enter])].join(' '),
  isThere: ({ into }) => into === 'host',
  open: openHostPlace,
  async assemble(rootfs, params, context) {
    const host = await hostOf(params);
    const chosen = await chooseWay(host, params, context.signal);
    if (!chosen.usable || chosen.way !== 'podman') return await assemble(rootfs, params, context);
    const image = await assembleImage(podmanOn(host, params.config), rootfs, podmanParams, context);
    return { ...image, backend: 'ssh' };
  },
  async removeImage(image, params, context) {
    if (!isOfPodman(image)) return await removeImage(image, params);
    await removeOfEngine(await podmanOf(params), image, podmanParams, context);
  },
  async launch(image, rootfs, name, confinement, params, context) {
    if (!isOfPodman(image)) return await launch(image, name, confinement, params, context);
    return await launchContainer(await podmanOf(params), image, rootfs, name, confinement, podmanParams, context);
  },
  async attach(record, params, context) {
    if (params.into === 'host') return hostInstance(record.name, params, context);
    if (!isOfPodman(record.image)) return await attach(record, params);
    return await attachContainer(await podmanOf(params), record, podmanParams, context);
  },
  async sweep(record, params, context) {
    if (params.into === 'host') await unmarkPlace(context);
    else if (!isOfPodman(record.image)) await sweep(record, params);
    else await sweepContainer(await podmanOf(params), record, podmanParams, context);
  },
  place: sshPlace,
  adopt: sshAdopter,
};

/** An image of ours lies in a folder; podman's has a name. */
function isOfPodman({ reference }: ImageRecord): boolean {
  return reference !== '' && !reference.startsWith('/');
}

async function podmanOf(params: SshParams): Promise<EngineKind> {
  return podmanOn(await hostOf(params), params.config);
}

/** Without a host, there is nothing to try but whether hosts can be reached at all. */
async function findClient(signal: AbortSignal): Promise<Usable | Unusable> {
  const { status, stderr } = await runProcess(['ssh', '-V'], { accept: 'any', signal });
  if (status === 127) return { usable: false, because: 'there is no ssh here', hint: 'install openssh-client' };
  const [version = 'ssh'] = stderr.toString('utf8').split(',');
  return { usable: true, detail: `${version.trim()}; which host: --set host=NAME` };
}
