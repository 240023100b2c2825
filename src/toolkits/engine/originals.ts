import { posix } from 'node:path';

import { sha256, type Entry } from '../../model/index.ts';
import { localRoot } from '../../roots/local.ts';
import { findMapping } from '../../sessions/mapped.ts';
import { ownersInside } from '../../sessions/owners.ts';
import { ownedBy, readManifest } from '../../roots/manifest.ts';
import type { LaidRoot } from '../../contract/index.ts';
import type { Instead } from '../../roots/tar-index.ts';

/**
 * What docker and podman put into every container, or over what is there, before anything runs in it: it can't be
 * seen any more from inside, nor in what they export. So the image says (in a label) what the rootfs has there.
 * See setupInitLayer in moby's daemon/initlayer.
 */
const enginePaths = [
  '/.dockerenv',
  '/dev',
  '/dev/console',
  '/dev/pts',
  '/dev/shm',
  '/etc',
  '/etc/hostname',
  '/etc/hosts',
  '/etc/mtab',
  '/etc/resolv.conf',
  '/proc',
  '/run',
  '/run/.containerenv',
  '/run/secrets',
  '/sbin/docker-init',
  '/sys',
  '/usr/sbin/docker-init',
] as const;

type Original = Entry & { readonly base64?: string };

/** The value of the label: what the rootfs has at the engine's paths. */
export async function describeOriginals(rootfs: LaidRoot): Promise<string> {
  const root = ownersInside(localRoot(rootfs.directory), findMapping());
  const manifest = rootfs.manifest === undefined ? undefined : await readManifest(rootfs.manifest);
  const parents = await root.realpath(enginePaths.map((path) => posix.dirname(path)));
  const found: Original[] = [];
  for (const [index, path] of enginePaths.entries()) {
    if (parents[index] !== posix.dirname(path)) continue; // behind a link (/sbin) it is another path's
    const [stat] = await root.lstat([path]);
    if (stat === undefined) continue;
    const { type, mode, uid, gid } = stat;
    const seen: Entry = { path, type, mode, uid, gid };
    const entry = manifest === undefined ? seen : ownedBy(manifest, seen);
    if (type === 'link') found.push({ ...entry, target: await root.readlink(path) });
    else if (type === 'file') found.push(withContent(entry, await root.readFile(path)));
    else found.push(entry);
  }
  return JSON.stringify(found);
}

/** What is to be seen in place of the engine's own, from the label's value and the paths that starting it has added. */
export function readOriginals(label: string | undefined, added: readonly string[]): Instead {
  const instead = new Map<string, (Entry & { content?: Buffer }) | undefined>();
  for (const path of added) instead.set(path, undefined);
  if (label === undefined) return instead; // not one of our images: nothing is known
  const originals = new Map((JSON.parse(label) as readonly Original[]).map((entry) => [entry.path, entry]));
  for (const path of enginePaths) {
    const original = originals.get(path);
    if (original === undefined) {
      instead.set(path, undefined);
      continue;
    }
    // a folder that the rootfs has is not touched by the engine: what is seen of it is true
    if (original.type === 'directory') continue;
    const { base64, ...entry } = original;
    instead.set(path, base64 === undefined ? entry : { ...entry, content: Buffer.from(base64, 'base64') });
  }
  return instead;
}

function withContent(entry: Entry, content: Buffer): Original {
  const whole = { ...entry, size: content.length, sha256: sha256(content) };
  return content.length <= 16_384 ? { ...whole, base64: content.toString('base64') } : whole;
}
