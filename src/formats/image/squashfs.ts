import { closeSync, openSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';

import { UserError } from '../../model/index.ts';
import { feedProcess } from '../../sessions/feed.ts';
import { execProcess } from '../../sessions/process.ts';

const missing = { status: 4, hint: 'apt-get install squashfs-tools-ng, or use oci, docker-archive or tar' } as const;

/**
 * Writes a tar as a squashfs by tar2sqfs(1): owners and capabilities are the tar's, whoever we are, and the same tar is
 * the same bytes, which mksquashfs (4.5: the time of the root folder) does not give. zstd is quick to write and to read.
 */
export async function writeSquashfs(tar: AsyncIterable<Uint8Array>, file: string, signal: AbortSignal): Promise<void> {
  const root = 'mtime=0,uid=0,gid=0,mode=0755';
  const argv = ['tar2sqfs', '-q', '-f', '-c', 'zstd', '-X', 'level=3', '-d', root, file] as const;
  let read = 0;
  const counted = async function* () {
    for await (const piece of tar) {
      read += piece.length;
      yield piece;
    }
  };
  try {
    await feedProcess(argv, counted(), signal);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { bavail, bsize } = statfsSync(dirname(file));
    // of a full disk it says "I/O error", and takes away what it has written
    if (bavail * bsize < read && error.details.some((line) => line.endsWith('I/O error.'))) {
      throw Object.assign(error, { code: 'ENOSPC', path: file });
    }
    if (error.status !== 4) throw error;
    throw new UserError('a squashfs is written by tar2sqfs, which is not installed here', missing);
  }
}

/** Writes a squashfs as a tar, by sqfs2tar(1): nothing of it touches the disk under its own name. */
export async function squashfsToTar(squashfs: string, tar: string, signal: AbortSignal): Promise<void> {
  const descriptor = openSync(tar, 'wx', 0o600);
  try {
    const streams = { stdin: 'ignore', stdout: descriptor, stderr: 'inherit', signal } as const;
    const status = await execProcess(['sqfs2tar', squashfs], streams);
    if (status === 127) throw new UserError('a squashfs is read by sqfs2tar, which is not installed here', missing);
    if (status !== 0) throw new UserError(`${squashfs} is no squashfs, or a broken one`, { status: 2 });
  } finally {
    closeSync(descriptor);
  }
}
