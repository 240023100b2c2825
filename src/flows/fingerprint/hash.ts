import { createHash } from 'node:crypto';

import { byBytes, type Digest, type Entry } from '../../model/index.ts';
import { nameBytes } from '../../roots/names.ts';

export interface EntryHasher {
  /** Entries come in byte order of their paths, each once. */
  add(entry: Entry): void;
  count(): number;
  digest(): Digest;
}

/** Fields end with NUL, which neither names nor targets have: no two trees give the same bytes. */
export function entryHasher(): EntryHasher {
  const hash = createHash('sha256').update('repronim fingerprint 1\0');
  let previous: string | undefined;
  let entries = 0;
  let pending: string[] = [];
  let size = 0;
  const flush = () => {
    if (pending.length > 0) hash.update(pending.join(''));
    pending = [];
    size = 0;
  };

  return {
    add(entry) {
      if (previous !== undefined && byBytes(previous, entry.path) >= 0) {
        throw new Error(`entries out of order: ${previous} before ${entry.path}`);
      }
      previous = entry.path;
      if (entry.type === 'socket') return;
      entries += 1;
      const record = recordOf(entry);
      if (record.isWellFormed()) {
        pending.push(record);
        size += record.length;
        if (size > 1 << 16) flush();
        return;
      }
      flush();
      hash.update(nameBytes(record));
    },
    count: () => entries,
    digest() {
      flush();
      return `sha256:${hash.digest('hex')}`;
    },
  };
}

function recordOf(entry: Entry): string {
  // the kernel shows a link with mode 0777, archives as they like: it has no meaning
  const mode = entry.type === 'link' ? '' : entry.mode.toString(8);
  const content = entry.sha256 ?? entry.target ?? entry.device?.join(',') ?? '';
  const capability = entry.capability === undefined ? '' : withoutNamespace(entry.capability);
  return `${entry.path}\0${entry.type}\0${mode}\0${entry.uid}\0${entry.gid}\0${content}\0${capability}\0`;
}

/**
 * A capability that was set in a user namespace names that namespace's root (VFS_CAP_REVISION_3, capabilities(7));
 * seen from inside it has revision 2. The number belongs to the machine, not to the environment.
 */
function withoutNamespace(capability: string): string {
  const isNamespaced = capability.length === 48 && capability.slice(6, 8) === '03';
  return isNamespaced ? `${capability.slice(0, 6)}02${capability.slice(8, 40)}` : capability;
}
