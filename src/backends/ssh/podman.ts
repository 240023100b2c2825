import * as v from 'valibot';

import { sh } from '../../formats/render/quote.ts';
import { UserError } from '../../model/index.ts';
import type { Host } from '../../sessions/ssh/host.ts';
import { connectEngine } from '../../toolkits/engine/client.ts';
import type { EngineInfo, EngineKind } from '../../toolkits/engine/kind.ts';
import { engineParams, type EngineParams } from '../../toolkits/engine/params.ts';
import { lowestLimits } from '../../toolkits/engine/podman-limits.ts';

/** Nothing is chosen: containers as podman makes them where nothing else is said. */
export const podmanParams: EngineParams = v.parse(engineParams('default'), {});

/**
 * podman on a host, spoken to over its API by the one connection. Where its service does not listen, it is started for
 * as long as it is used: it ends half a minute after the last word.
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
        line: sh`exec /bin/sh -c ${dial} sh ${`${folder}/podman.sock`}`,
        ...(config === undefined ? {} : { config }),
      },
    }),
    lowerLimits: lowestLimits,
    gpus: () => {
      throw new UserError('no graphics processors are given over ssh', { status: 4 });
    },
  };
}

const dial = `
command -v podman >/dev/null || { echo podman: not found >&2; exit 127; }
u=$(id -u)
own=/run/podman/podman.sock
[ "$u" = 0 ] || own=\${XDG_RUNTIME_DIR:-/run/user/$u}/podman/podman.sock
for socket in "$own" "$1"; do
  [ -S "$socket" ] && podman --url "unix://$socket" system dial-stdio 2>/dev/null && exit 0
done
rm -f "$1"
nohup podman system service --time=30 "unix://$1" </dev/null >/dev/null 2>&1 &
tries=0
while [ ! -S "$1" ] && [ "$tries" -lt 100 ]; do sleep 0.1 2>/dev/null || sleep 1; tries=$((tries + 1)); done
exec podman --url "unix://$1" system dial-stdio
`;

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
