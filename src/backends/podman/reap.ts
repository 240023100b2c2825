import { existsSync, readdirSync, readFileSync } from 'node:fs';

import type { Endpoint } from '../../toolkits/engine/endpoint.ts';

/**
 * Ends what podman keeps of programs that were run in a container which is gone: conmon(8) waits for five minutes for
 * somebody to ask how they ended (containers.conf(5), `exit_command_delay`), and a `podman exec` of ours that was left
 * alone is slow to see that there is nothing any more.
 */
export function endMonitors(container: string, endpoint: Endpoint): void {
  if (endpoint.socketPath === undefined) return;
  for (const { pid } of watchers(container)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended, or is of another user's podman, who keeps it
    }
  }
}

/** Whether a container runs on this machine: as long as it does, its own monitor does. */
export function isMonitored(container: string): boolean {
  return watchers(container).some(({ of }) => of === container);
}

/** Processes that watch a container: its own conmon(8), and those of programs that were run in it. */
function watchers(container: string): readonly { readonly pid: number; readonly of: string | undefined }[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^[0-9]+$/.test(pid)) return [];
    const words = commandLine(pid);
    const after = (flag: string) => words[words.indexOf(flag) + 1];
    const isMonitor = /(?:^|\/)conmon$/.test(words[0] ?? '') && after('-c') === container;
    const isExec = words[0] === 'podman' && words[1] === 'exec' && words.includes(container);
    return isMonitor || isExec ? [{ pid: Number(pid), of: after('-u') }] : [];
  });
}

/**
 * Whether a container's process is gone without podman knowing it: it is told by the monitor, which was killed, too.
 * Only of podman's own service in this process's own pid namespace can that be seen.
 */
export function isLost(pid: number, { socketPath }: Endpoint): boolean {
  return socketPath?.startsWith('/proc/self/fd/') === true && !existsSync(`/proc/${pid}`);
}

function commandLine(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
  } catch {
    return []; // it has ended
  }
}
