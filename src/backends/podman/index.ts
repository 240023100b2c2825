import { UserError } from '../../model/index.ts';
import { engineBackend } from '../../toolkits/engine/backend.ts';
import type { EngineKind } from '../../toolkits/engine/kind.ts';
import { lowestLimits } from '../../toolkits/engine/podman-limits.ts';
import { findEndpoint } from './endpoint.ts';
import { ownLimits } from './limits.ts';
import { endMonitors, isLost, isMonitored } from './reap.ts';
import { podmanParams } from './params.ts';
import { ownProgram, servePodman } from './service.ts';
import { describeStorage, explainPodman, findTrouble } from './trouble.ts';

export const podmanEngine: EngineKind = {
  name: 'podman',
  title: 'Podman, of root or of an ordinary user',
  called: 'podman',
  oldest: 'podman 4',
  hints: {
    none: 'install podman, or start its service where CONTAINER_HOST points: podman system service --time=0 unix:///PATH',
    denied: 'use your own podman (unset CONTAINER_HOST), or ask for access to that socket',
  },
  givesOwners: false,
  takesPatterns: true,
  makesMounts: true,
  find: findEndpoint,
  serve: servePodman,
  direct: ownProgram,
  isRunning: isMonitored,
  limits: ownLimits,
  lowerLimits: lowestLimits,
  trouble: findTrouble,
  removed: endMonitors,
  isLost,
  remark: describeStorage,
  explain: explainPodman,
  gpus(asked, server) {
    const [, major = '0', minor = '0'] = /\/([0-9]+)\.([0-9]+)/.exec(server) ?? [];
    if (Number(major) < 5 || (Number(major) === 5 && Number(minor) < 4)) {
      throw new UserError(`podman gives graphics processors over its API from 5.4 on, and this is ${server}`, {
        status: 4,
        hint: 'leave gpus out, or use docker or apptainer',
      });
    }
    // a number means the first ones; names are those of the Container Device Interface
    const names = /^[0-9]+$/.test(asked)
      ? Array.from({ length: Number(asked) }, (_, index) => `${index}`)
      : asked.split(',');
    return [{ Driver: 'cdi', DeviceIDs: names.map((name) => `nvidia.com/gpu=${name}`) }];
  },
};

/** Containers of podman. */
export const podman = engineBackend(podmanEngine, podmanParams);
