import type { SnapshotService } from '../../../archives/snapshot.ts';

/**
 * Where old packages of an archive are still had, by the `Origin` of its Release files. Addresses can be set in the
 * configuration (`[snapshot] debian = "https://…"`).
 */
export const snapshots: Readonly<Record<string, SnapshotService>> = {
  Debian: { setting: 'debian', kind: 'files', base: 'https://snapshot.debian.org' },
  Ubuntu: { setting: 'ubuntu', kind: 'dates', base: 'https://snapshot.ubuntu.com/ubuntu' },
};

/** The archive that packages of unknown origin are looked for in, by the type of the distribution. */
export const archiveOf: Readonly<Record<string, string>> = { debian: 'Debian', ubuntu: 'Ubuntu' };
