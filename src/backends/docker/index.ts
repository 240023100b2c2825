import { UserError } from '../../model/index.ts';
import type { Backend } from '../../contract/index.ts';
import { assemble, removeImage } from './assemble.ts';
import { connectEngine } from './client.ts';
import { attach, launch, sweep } from './launch.ts';
import { dockerParams, type DockerParams } from './params.ts';
import { dockerPlace } from './place.ts';

/** Containers of a Docker daemon, from an image that is made of the one rootfs. Never privileged, never pulled. */
export const docker: Backend<DockerParams> = {
  name: 'docker',
  title: 'Docker',
  params: dockerParams,
  async probe(params, context) {
    try {
      const engine = await connectEngine(params.host, context.signal);
      const info = (await engine.call('GET', '/info')) as { readonly OSType?: string; readonly ServerVersion?: string };
      if (info.OSType !== undefined && info.OSType !== 'linux') {
        const because = `the daemon at ${engine.address} runs ${info.OSType} containers`;
        return { usable: false, because, hint: 'switch it to Linux containers' };
      }
      const version = info.ServerVersion ?? engine.server;
      return { usable: true, detail: `${version} at ${engine.address}` };
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
  place: dockerPlace,
};
