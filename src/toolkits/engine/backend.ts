import type { GenericSchema } from 'valibot';

import { UserError } from '../../model/index.ts';
import type { Backend, Context, Unusable, Usable } from '../../contract/index.ts';
import { engineAdopter } from './adopt.ts';
import { assemble, removeImage } from './assemble.ts';
import { connectEngine } from './client.ts';
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
    assemble: async (...rest) => await assemble(kind, ...rest),
    removeImage: async (...rest) => await removeImage(kind, ...rest),
    launch: async (...rest) => await launch(kind, ...rest),
    attach: async (...rest) => await attach(kind, ...rest),
    sweep: async (...rest) => await sweep(kind, ...rest),
    place: enginePlace(kind),
    adopt: engineAdopter(kind),
  };
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
