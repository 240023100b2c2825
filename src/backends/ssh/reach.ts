import { openHost, type Host } from '../../sessions/ssh/host.ts';
import type { SshParams } from './params.ts';

/** The host that the parameters name, connected. */
export async function hostOf({ host, folder, config }: SshParams): Promise<Host> {
  return await openHost(host, { folder, ...(config === undefined ? {} : { config }) });
}
