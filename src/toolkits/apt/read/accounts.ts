import type { Root } from '../../../contract/index.ts';
import { readText } from './reader.ts';

/** Names of the users and groups that every Debian system has under the same number (base-passwd: below 100). */
export interface Accounts {
  user(uid: number): string | undefined;
  group(gid: number): string | undefined;
}

/** Ids from here on are given out as they are needed, and differ from system to system. */
export const firstDynamicId = 100;

export async function readAccounts(root: Root): Promise<Accounts> {
  const users = parse(await readText(root, '/etc/passwd'));
  const groups = parse(await readText(root, '/etc/group'));
  return { user: (uid) => users.get(uid), group: (gid) => groups.get(gid) };
}

function parse(text: string | undefined): Map<number, string> {
  const found = new Map<number, string>();
  for (const line of (text ?? '').split('\n')) {
    const [name = '', , id = ''] = line.split(':');
    if (/^[a-z_][a-z0-9_-]{0,31}$/.test(name) && /^[0-9]{1,5}$/.test(id) && Number(id) < firstDynamicId) {
      if (!found.has(Number(id))) found.set(Number(id), name);
    }
  }
  return found;
}
