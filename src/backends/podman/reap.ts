import { readdirSync, readFileSync } from 'node:fs';

import type { Endpoint } from '../../toolkits/engine/endpoint.ts';

/**
 * Ends what podman keeps of programs that were run in a container which is gone: conmon(8) waits for five minutes for
 * somebody to ask how they ended (containers.conf(5), `exit_command_delay`).
 */
export function endMonitors(container: string, endpoint: Endpoint): void {
  if (endpoint.socketPath === undefined) return;
  for (const pid of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(pid) || !isMonitor(pid, container)) continue;
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // it has ended, or is of another user's podman, who keeps it
    }
  }
}

function isMonitor(pid: string, container: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
    return /(?:^|\/)conmon$/.test(words[0] ?? '') && words[words.indexOf('-c') + 1] === container;
  } catch {
    return false; // it has ended
  }
}
