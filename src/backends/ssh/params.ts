import { isAbsolute } from 'node:path';

import * as v from 'valibot';

import { text } from '../../contract/index.ts';
import { isHost } from '../../sessions/ssh/connection.ts';

/** The ways into a tree on a host, in the order in which they are tried. */
export const ways = ['namespaces', 'podman', 'apptainer', 'chroot'] as const;
export type Way = (typeof ways)[number];

/** What `--set` takes for ssh. */
export const sshParams = v.strictObject({
  /** As ssh takes it: a name of its configuration, `USER@HOST`, `ssh://USER@HOST:PORT`. */
  host: v.optional(v.pipe(v.string(), v.check(isHost, 'expected a host, as ssh takes it'))),
  /** Where our files lie there: below the home folder unless it is absolute. Default: `.local/share/repronim/remote`. */
  folder: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[\w@%+=:,./-]{1,200}$/, 'expected a folder: letters, digits, . _ - / and the like'),
      v.check((value) => !value.startsWith('-') && !value.split('/').includes('..'), 'expected a folder without ..'),
    ),
    '.local/share/repronim/remote',
  ),
  /** Another file than ssh's own configuration: `ssh -F FILE`. */
  config: v.optional(v.pipe(text, v.check(isAbsolute, 'expected an absolute path'))),
  /** How environments are entered there. Default: `auto`, the first of them that works. */
  enter: v.optional(v.picklist(['auto', ...ways], `expected auto, ${ways.join(', ')}`)),
  /** Where apptainer is there, if it is not in a usual place. */
  program: v.optional(v.pipe(text, v.check(isAbsolute, 'expected an absolute path'))),
  /** `instance`: an environment of its own there; `host`: the host itself, with what a spec has over its base laid over it. */
  into: v.optional(v.picklist(['instance', 'host'], 'expected instance or host')),
});

export type SshParams = v.InferOutput<typeof sshParams>;
