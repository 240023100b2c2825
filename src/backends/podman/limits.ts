import { readFileSync } from 'node:fs';

import type { Endpoint } from '../../toolkits/engine/endpoint.ts';
import type { Limit } from '../../toolkits/engine/kind.ts';

/** What podman itself would set for root; see containers.conf(5), `default_ulimits`. */
const wanted = [
  { Name: 'nofile', title: 'Max open files', most: 1_048_576 },
  { Name: 'nproc', title: 'Max processes', most: 4_194_304 },
] as const;

/**
 * Limits of containers no higher than our own: podman would raise them, which the kernel lets nobody do who lacks
 * CAP_SYS_RESOURCE, and then no container starts. Its service lowers its own processes to `kernel.pid_max`. Of another
 * machine nothing is known.
 */
export function ownLimits(endpoint: Endpoint): readonly Limit[] {
  if (endpoint.socketPath === undefined) return [];
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const processes = Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8'));
  return wanted.flatMap(({ Name, title, most }) => {
    const [, hard] = new RegExp(`^${title} +\\S+ +([0-9]+) `, 'm').exec(limits) ?? [];
    if (hard === undefined || Number(hard) >= most) return [];
    const limit = Name === 'nproc' ? Math.min(Number(hard), processes) : Number(hard);
    return [{ Name, Soft: limit, Hard: limit }];
  });
}
