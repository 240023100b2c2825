import { existsSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Session } from '../contract/index.ts';
import { localRoot } from '../roots/local.ts';
import type { Enclosure } from './held.ts';
import { insideSession } from './inside.ts';
import { runProcess } from './process.ts';

/** A session below a bare chroot: where nothing can be mounted, for what is trusted. Root only. */
export async function bareSession(enclosure: Pick<Enclosure, 'root'>, label: string): Promise<Session> {
  await makeDevices(enclosure.root);
  return insideSession({
    mode: 'plain',
    fields: [['root', enclosure.root]],
    label,
    restricted: true,
    root: localRoot(enclosure.root, label),
    async dispose() {},
  });
}

/** The devices that hardly a script does without, by their numbers (Linux's devices.txt). */
const devices = { null: [1, 3], zero: [1, 5], full: [1, 7], random: [1, 8], urandom: [1, 9], tty: [5, 0] } as const;

/** Nothing can be mounted on /dev here, so the tree gets its own; what lies in /dev is in no fingerprint. */
async function makeDevices(root: string): Promise<void> {
  const folder = join(root, 'dev');
  // a link in its place could lead out of the tree
  if (!(lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? true)) return;
  mkdirSync(join(folder, 'shm'), { recursive: true });
  for (const [name, [major, minor]] of Object.entries(devices)) {
    const file = join(folder, name);
    if (existsSync(file)) continue;
    const made = await runProcess(['mknod', '-m', '666', '--', file, 'c', String(major), String(minor)], {
      accept: 'any',
    });
    // where even that is forbidden, what is written to /dev/null at least finds a place
    if (made.status !== 0 && name === 'null') writeFileSync(file, '', { mode: 0o666 });
  }
}
