import * as v from 'valibot';

import { sh } from '../../formats/render/quote.ts';
import { UserError } from '../../model/index.ts';
import type { Host } from '../../sessions/ssh/host.ts';
import { connectEngine } from '../../toolkits/engine/client.ts';
import type { EngineInfo, EngineKind } from '../../toolkits/engine/kind.ts';
import { engineParams, type EngineParams } from '../../toolkits/engine/params.ts';
import { dialPodman } from '../../toolkits/engine/podman-dial.ts';
import { lowestLimits } from '../../toolkits/engine/podman-limits.ts';

/** Nothing is chosen: containers as podman makes them where nothing else is said. */
export const podmanParams: EngineParams = v.parse(engineParams('default'), {});

/**
 * podman on a host, spoken to over its API by the one connection. Where its service does not listen, it is started.
 */
export function podmanOn({ connection: { host }, folder }: Host, config: string | undefined): EngineKind {
  return {
    name: 'ssh',
    title: 'podman on a host over ssh',
    called: `podman on ${host}`,
    oldest: 'podman 4',
    hints: {
      none: `see that podman info works there: ssh ${host} podman info`,
      denied: `see that podman info works there: ssh ${host} podman info`,
    },
    givesOwners: false,
    takesPatterns: true,
    makesMounts: true,
    find: () => ({
      address: host.startsWith('ssh://') ? host : `ssh://${host}`,
      over: {
        host,
        line: sh`exec ${dialPodman(`${folder}/podman.sock`)}`,
        ...(config === undefined ? {} : { config }),
      },
    }),
    lowerLimits: lowestLimits,
    gpus: () => {
      throw new UserError('no graphics processors are given over ssh', { status: 4 });
    },
  };
}

/** Whether it answers there, and what it is. */
export async function probePodman(
  host: Host,
  config: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly because: string } | { readonly works: string }> {
  try {
    const engine = await connectEngine(podmanOn(host, config), undefined, signal);
    const info = (await engine.call('GET', '/info')) as EngineInfo;
    return { works: ` ${info.ServerVersion ?? engine.server}` };
  } catch (error) {
    if (error instanceof UserError) return { because: error.message };
    throw error;
  }
}
