import type { GenericSchema } from 'valibot';

import { fullElsewhere, isDiskFull, UserError } from '../../model/index.ts';
import type { Backend, Context, Rootfs, Unusable, Usable } from '../../contract/index.ts';
import { engineAdopter } from './adopt.ts';
import { assemble, removeImage } from './assemble.ts';
import { bytesIn } from '../../roots/tree-size.ts';
import { connectEngine, EngineError } from './client.ts';
import type { EngineInfo, EngineKind } from './kind.ts';
import { attach, launch, sweep } from './launch.ts';
import type { EngineParams } from './params.ts';
import { enginePlace } from './place.ts';

/** Containers of an engine, from an image that is made of the one rootfs. Never privileged, never pulled. */
export function engineBackend(kind: EngineKind, params: GenericSchema<unknown, EngineParams>): Backend<EngineParams> {
  return {
    name: kind.name,
    title: kind.title,
    params,
    probe: async (given, context) => await probe(kind, given, context),
    imageKey: (given) => `${kind.find(given.host).address} ${given.image}`,
    assemble: async (rootfs, given, context) =>
      await inItsRoom(kind, rootfs, given, async () => await assemble(kind, rootfs, given, context)),
    removeImage: async (...rest) => await removeImage(kind, ...rest),
    launch: async (image, rootfs, name, confinement, given, context) =>
      await inItsRoom(
        kind,
        rootfs,
        given,
        async () => await launch(kind, image, rootfs, name, confinement, given, context),
      ),
    attach: async (...rest) => await attach(kind, ...rest),
    sweep: async (...rest) => await sweep(kind, ...rest),
    place: enginePlace(kind),
    adopt: engineAdopter(kind),
  };
}

/** Where its storage is full, that is said, and where it lies: it may be another disk than ours, or another machine's. */
async function inItsRoom<T>(
  kind: EngineKind,
  { directory }: Rootfs,
  params: EngineParams,
  make: () => Promise<T>,
): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof EngineError) || !isDiskFull(error)) throw error;
    const engine = await connectEngine(kind, params.host);
    const { DockerRootDir: folder = 'its storage' } = (await engine.call('GET', '/info')) as EngineInfo;
    throw fullElsewhere(error, `${folder} of ${engine.label}`, await bytesIn(directory));
  }
}

async function probe(kind: EngineKind, params: EngineParams, context: Context): Promise<Usable | Unusable> {
  try {
    const engine = await connectEngine(kind, params.host, context.signal);
    const info = (await engine.call('GET', '/info')) as EngineInfo;
    if (info.OSType !== undefined && info.OSType !== 'linux') {
      const because = `${engine.label} runs ${info.OSType} containers`;
      return { usable: false, because, hint: 'switch it to Linux containers' };
    }
    const trouble = await kind.trouble?.(info, engine.endpoint);
    if (trouble !== undefined) return { usable: false, ...trouble };
    const version = info.ServerVersion ?? engine.server;
    const remark = kind.remark?.(info);
    return { usable: true, detail: `${version} at ${engine.address}${remark === undefined ? '' : `; ${remark}`}` };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { usable: false, because: error.message, hint: error.hint ?? 'choose another backend' };
  }
}
