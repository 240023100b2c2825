import { engineBackend } from '../../toolkits/engine/backend.ts';
import type { EngineKind } from '../../toolkits/engine/kind.ts';
import { findEndpoint } from './endpoint.ts';
import { dockerParams } from './params.ts';

export const dockerEngine: EngineKind = {
  name: 'docker',
  title: 'Docker',
  called: 'the docker daemon',
  oldest: 'Docker 20.10',
  hints: {
    none: 'start it, or join group docker',
    denied: 'join group docker (sudo usermod -aG docker YOUR-NAME, then log in again), or choose another backend',
  },
  givesOwners: true,
  takesPatterns: false,
  makesMounts: false,
  find: findEndpoint,
  gpus: (asked) => [
    {
      ...(asked === 'all'
        ? { Count: -1 }
        : /^[0-9]+$/.test(asked)
          ? { Count: Number(asked) }
          : { DeviceIDs: asked.split(',') }),
      Capabilities: [['gpu']],
    },
  ],
};

/** Containers of a Docker daemon. */
export const docker = engineBackend(dockerEngine, dockerParams);
