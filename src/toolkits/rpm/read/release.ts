import type { Root } from '../../../contract/index.ts';
import { readText } from '../../apt/read/reader.ts';

/** What os-release(5) says. */
export interface OsRelease {
  /** Undefined where there is no such file. */
  readonly id?: string;
  readonly like: readonly string[];
  readonly version?: string;
}

/** Names in ID and ID_LIKE of systems that live from rpm packages as Red Hat's do. */
const family = new Set(['redhat', 'rhel', 'fedora', 'centos', 'rocky', 'almalinux', 'ol', 'amzn', 'scientific']);

export async function readOsRelease(root: Root): Promise<OsRelease> {
  const text = (await readText(root, '/etc/os-release')) ?? (await readText(root, '/usr/lib/os-release'));
  const values = new Map<string, string>();
  for (const line of (text ?? '').split('\n')) {
    const [, name = '', quoted = ''] = /^([A-Z_]+)=(.*)$/.exec(line.trim()) ?? [];
    values.set(name, quoted.replace(/^(["'])(.*)\1$/, '$2'));
  }
  const id = values.get('ID');
  const version = values.get('VERSION_ID');
  const old = text === undefined ? await readText(root, '/etc/redhat-release') : undefined;
  const oldVersion = /release ([0-9][0-9.]*)/.exec(old ?? '')?.[1];
  return {
    ...(isWord(id)
      ? { id: id ?? '' }
      : old === undefined
        ? {}
        : { id: /^([A-Za-z]+)/.exec(old)?.[1]?.toLowerCase() ?? 'rhel' }),
    like: (values.get('ID_LIKE') ?? '').split(' ').filter(isWord),
    ...(isWord(version) ? { version: version ?? '' } : oldVersion === undefined ? {} : { version: oldVersion }),
  };
}

/** Whether a root is of this family; one that says nothing of itself is, where it has packages. */
export async function isRedhat(root: Root): Promise<boolean> {
  const { id, like } = await readOsRelease(root);
  return id === undefined || [id, ...like].some((name) => family.has(name));
}

function isWord(text: string | undefined): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text ?? '');
}
