import { once } from 'node:events';
import type { Readable } from 'node:stream';

import { UserError } from '../model/index.ts';
import { openParameters, startEnter } from './enter.ts';
import { mapArgv, type Mapping } from './mapped.ts';

/**
 * The tar of a tree whose files have ids that only our user namespace makes ours: by tar(1) in it, so that owners are
 * told as they are inside and everything can be read. In byte order, with file capabilities and whole seconds.
 */
export async function* mappedTar(directory: string, mapping: Mapping): AsyncIterable<Uint8Array> {
  const { argv, fields } = mapArgv(mapping, [
    '/bin/tar',
    '--create',
    '--file=-',
    '--numeric-owner',
    '--sort=name',
    '--xattrs',
    '--xattrs-include=security.capability',
    '--format=posix',
    '--pax-option=delete=atime,delete=ctime,delete=mtime,exthdr.name=pax',
    `--directory=${directory}`,
    '.',
  ]);
  using parameters = openParameters(fields);
  const child = startEnter(argv, ['ignore', 'pipe', 'pipe', parameters.descriptor]);
  const closed = once(child, 'close');
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)));
  try {
    yield* child.stdout as Readable;
    const [status] = (await closed) as [number | null];
    if (status === 0) return;
    throw new UserError(`the rootfs ${directory} cannot be read whole (tar: status ${status})`, {
      details: said.trim().split('\n'),
    });
  } finally {
    child.kill();
  }
}
