import type { Root } from '../../../contract/index.ts';
import { isSuite } from '../names.ts';
import { readText } from './reader.ts';

/** What os-release(5) says. */
export interface OsRelease {
  readonly id: string;
  readonly like: readonly string[];
  readonly codename?: string;
}

/** Reads `/etc/os-release`, or the one below /usr. Without one, a root with a dpkg database counts as Debian. */
export async function readOsRelease(root: Root): Promise<OsRelease> {
  const text = (await readText(root, '/etc/os-release')) ?? (await readText(root, '/usr/lib/os-release')) ?? '';
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name = '', quoted = ''] = /^([A-Z_]+)=(.*)$/.exec(line.trim()) ?? [];
    values.set(name, quoted.replace(/^(["'])(.*)\1$/, '$2'));
  }
  const codename = values.get('VERSION_CODENAME') ?? (await codenameOfTesting(root, values));
  return {
    id: isWord(values.get('ID')) ? (values.get('ID') ?? '') : 'debian',
    like: (values.get('ID_LIKE') ?? '').split(' ').filter(isWord),
    ...(codename !== undefined && isSuite(codename) ? { codename } : {}),
  };
}

/** Before its release, a Debian says who it is in its pretty name or in debian_version only: `trixie/sid`. */
async function codenameOfTesting(root: Root, values: ReadonlyMap<string, string>): Promise<string | undefined> {
  const texts = [values.get('PRETTY_NAME'), values.get('VERSION'), await readText(root, '/etc/debian_version')];
  for (const text of texts) {
    const found = /([a-z]+)\/sid/.exec(text ?? '')?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether a root is of a type: the nearest of the types in os-release's ID and ID_LIKE counts. */
export async function isOf(root: Root, type: string, types: readonly string[]): Promise<boolean> {
  const { id, like } = await readOsRelease(root);
  return [id, ...like].find((name) => types.includes(name)) === type;
}

/** As os-release(5) wants identifiers. */
function isWord(text: string | undefined): boolean {
  return /^[a-z0-9._-]{1,64}$/.test(text ?? '');
}
