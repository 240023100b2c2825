import { existsSync } from 'node:fs';

import { missingIds, missingRange } from '../../sessions/user-namespaces.ts';
import type { Endpoint } from '../../toolkits/engine/endpoint.ts';
import type { EngineInfo } from '../../toolkits/engine/kind.ts';
import { ownSocket } from './endpoint.ts';

const runc = 'install runc, and set runtime = "runc" under [engine] in /etc/containers/containers.conf';
const limits =
  'set default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"] under [containers] in /etc/containers/containers.conf';

/** What the words of a failure ask for; see containers.conf(5), subuid(5) and podman(1), "Rootless mode". */
const remedies: readonly (readonly [RegExp, () => string])[] = [
  [/setting rlimit/, () => limits],
  [/cgroups? in hybrid mode/, () => runc],
  [/insufficient UIDs or GIDs|newuidmap|subuid/, subordinateIds],
  [/\/dev\/net\/tun/, () => 'as root: chmod 666 /dev/net/tun; or do without a network, or --set network=host'],
  [/netavark|aardvark|cni|CNI/, () => 'install netavark and aardvark-dns, or --set network=host'],
  [/slirp4netns|pasta/, () => 'install slirp4netns, or --set network=host'],
  [/fuse-overlayfs/, () => 'install fuse-overlayfs, or set driver = "overlay" without mount_program in storage.conf'],
];

/** What can be seen without trying: crun on cgroups of two versions, a user who has one id only. */
export async function findTrouble(
  info: EngineInfo,
  endpoint: Endpoint,
): Promise<{ readonly because: string; readonly hint: string } | undefined> {
  if (endpoint.socketPath === undefined) return undefined;
  if (info.DefaultRuntime === 'crun' && info.CgroupVersion === '1' && existsSync('/sys/fs/cgroup/unified')) {
    return {
      because: 'crun, which podman takes, starts nothing where cgroups of both versions are mounted',
      hint: runc,
    };
  }
  const uid = process.getuid?.() ?? 0;
  const isOwn = uid !== 0 && endpoint.address === `unix://${ownSocket(process.env, uid)}`;
  return isOwn ? await missingRange() : undefined;
}

/** What to do about what podman says. */
export function explainPodman(message: string): string | undefined {
  return remedies.find(([words]) => words.test(message))?.[1]();
}

/** Storage that is none to be fast with, said beside the version. */
export function describeStorage({ Driver }: EngineInfo): string | undefined {
  if (Driver !== 'vfs') return undefined;
  return 'its storage vfs copies every image; driver = "overlay" in storage.conf would not, see containers-storage.conf(5)';
}

function subordinateIds(): string {
  return `${missingIds().hint}; then you: podman system migrate`;
}
