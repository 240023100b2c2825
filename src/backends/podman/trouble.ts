import type { Endpoint } from '../../toolkits/engine/endpoint.ts';
import type { EngineInfo } from '../../toolkits/engine/kind.ts';

/** What podman says of itself that keeps every container from starting. */
export function findTrouble(
  info: EngineInfo,
  _endpoint: Endpoint,
): { readonly because: string; readonly hint: string } | undefined {
  if (info.DefaultRuntime === 'crun' && info.CgroupVersion === '1') {
    return undefined;
  }
  return undefined;
}

export function explainPodman(_message: string): string | undefined {
  return undefined;
}
