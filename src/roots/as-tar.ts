import { UserError, type Entry } from '../model/index.ts';
import type { Root } from '../contract/index.ts';
import { encodeHeader, tarEnd, tarPadding } from './tar-header.ts';

const batchSize = 500;
/** A file is held in memory while it is written. */
const largest = 2 * 1024 ** 3;

/** What the kernel or a place fills: the folders are kept, not what is in them. */
const filled = /^\/(?:dev|proc|sys)\//;

/**
 * Any root as a tar: every entry in byte order, with owners, whole seconds and file capabilities; sockets are left
 * out, and what the kernel fills, and devices, which it is told of. The same tree is the same bytes. Throws UserError
 * for what can't be read: half a tree is none.
 */
export async function* asTar(
  root: Root,
  signal: AbortSignal,
  onDevice: (path: string) => void = () => {},
): AsyncGenerator<Uint8Array> {
  let batch: Entry[] = [];
  for await (const entry of root.scan({ digests: [], signal })) {
    if (entry.path === '/' || entry.type === 'socket' || filled.test(entry.path)) continue;
    if (entry.type === 'character' || entry.type === 'block') {
      onDevice(entry.path);
      continue;
    }
    batch.push(entry);
    if (batch.length < batchSize) continue;
    yield* members(batch, root);
    batch = [];
  }
  yield* members(batch, root);
  yield tarEnd;
}

async function* members(entries: readonly Entry[], root: Root): AsyncGenerator<Uint8Array> {
  const stats = await root.lstat(entries.map(({ path }) => path));
  for (const [index, entry] of entries.entries()) {
    const { path, type, mode, uid, gid, target, capability } = entry;
    if (entry.unreadable === true || type === 'socket') {
      throw new UserError(`${path} of ${root.label} cannot be read`, { hint: 'try it as root', status: 4 });
    }
    const content = type === 'file' ? await root.readFile(path, largest) : Buffer.alloc(0);
    yield encodeHeader({
      name: path.slice(1),
      type,
      mode,
      uid,
      gid,
      mtimeMs: stats[index]?.mtimeMs ?? 0,
      size: content.length,
      ...(target === undefined ? {} : { target }),
      ...(capability === undefined ? {} : { capability }),
    });
    yield content;
    yield tarPadding(content.length);
  }
}
