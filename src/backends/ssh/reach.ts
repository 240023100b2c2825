import { UserError } from '../../model/index.ts';
import { openHost, type Host } from '../../sessions/ssh/host.ts';
import type { SshParams } from './params.ts';

/** The host that the parameters name, connected. */
export async function hostOf(params: SshParams): Promise<Host> {
  const { folder, config } = params;
  return await openHost(nameOf(params), { folder, ...(config === undefined ? {} : { config }) });
}

/** Throws UserError 2 where none is named. */
export function nameOf({ host }: SshParams): string {
  if (host !== undefined) return host;
  throw new UserError('which host?', { status: 2, hint: '--set host=NAME, as in ssh NAME' });
}
