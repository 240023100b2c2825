import { RootError, type DirectoryEntry, type Root, type ScanOptions, type Stat } from '../../contract/index.ts';
import { UserError, byBytes, type Entry } from '../../model/index.ts';
import { deviceOf } from '../../roots/local/scan.ts';
import { decodeName } from '../../roots/names.ts';
import { openChannel, RemoteFailed, type Channel } from './channel.ts';
import type { Host } from './host.ts';

/** So many paths are asked for at a time. */
const batch = 2000;

const types = ['file', 'directory', 'link', 'fifo', 'character', 'block', 'socket'] as const;
const isType = (word: string): word is Entry['type'] => (types as readonly string[]).includes(word);

/**
 * A tree of a host as a root. Our part there answers, many questions in one request; `fields` say which tree becomes
 * its root folder: an instance's (`@state`), a folder (`@root`), or all that there is. What is `hidden` is left out of a
 * scan: our own. What it says is not believed
 * further than it can be checked: names that are no names of a folder's, paths that were not asked for.
 */
export function remoteRoot(host: Host, label: string, fields: readonly string[], hidden: readonly string[] = []): Root {
  let channel: Promise<Channel> | undefined;
  const start = async (): Promise<Channel> => {
    await host.connection.ensure();
    const started = openChannel(host, 'look', fields);
    await started.greet();
    return started;
  };
  const open = async (): Promise<Channel> => {
    const held = await channel;
    if (held?.isOpen === true) return held;
    channel = start();
    channel.catch(() => (channel = undefined));
    return await channel;
  };
  const asked = (path: string) => {
    if (path.includes('\0')) throw new RootError('EINVAL', path, label);
    return path;
  };
  /** What is asked of one path; its error has the errno's name. */
  const one = async <T>(path: string, ask: (on: Channel) => Promise<T>): Promise<T> => {
    asked(path);
    try {
      return await ask(await open());
    } catch (error) {
      throw error instanceof RemoteFailed ? new RootError(error.because, path, label) : error;
    }
  };
  const many = async <T>(
    act: readonly string[],
    paths: readonly string[],
    read: (answer: Buffer) => T | undefined,
  ): Promise<(T | undefined)[]> => {
    const found: (T | undefined)[] = [];
    for (let at = 0; at < paths.length; at += batch) {
      const some = paths.slice(at, at + batch);
      // one with a NUL is nowhere
      const answers = await (await open()).ask([...act, ...some.map((path) => (path.includes('\0') ? '' : path))]);
      if (answers.length !== some.length) throw odd(label);
      found.push(...answers.map((answer) => (answer.length === 0 ? undefined : read(answer))));
    }
    return found;
  };

  return {
    label,
    async readFile(path, limit = 512 * 1024 * 1024) {
      return await one(path, async (on) => {
        const body = await on.askWhole(['readFile', path, limit]);
        return body.subarray(3, -1); // "ok", and what ends a field
      });
    },
    async readdir(path) {
      return await one(path, async (on) => {
        const answers = (await on.ask(['readdir', path])).map(decodeName);
        const entries: DirectoryEntry[] = [];
        for (let at = 0; at + 1 < answers.length; at += 2) {
          const [name = '', type = ''] = answers.slice(at, at + 2);
          if (name === '' || name === '.' || name === '..' || name.includes('/') || !isType(type)) throw odd(label);
          entries.push({ name, type });
        }
        return entries.sort((a, b) => byBytes(a.name, b.name));
      });
    },
    readlink: async (path) =>
      await one(path, async (on) => decodeName((await on.ask(['readlink', path]))[0] ?? Buffer.alloc(0))),
    lstat: async (paths) => await many(['lstat'], paths, (answer) => statOf(answer.toString('latin1'))?.stat),
    realpath: async (paths) =>
      await many(['realpath'], paths, (answer) => (answer[0] === 0x2f ? decodeName(answer) : undefined)),
    digest: async (paths, algorithm) =>
      await many(['digest', algorithm], paths, (answer) => digestOf(answer.toString('latin1'))),
    async *scan(options: ScanOptions = {}) {
      const below = [...new Set(options.below ?? ['/'])].sort(byBytes);
      const starts = below.filter(
        (start, index) => !below.slice(0, index).some((other) => start.startsWith(other === '/' ? '/' : `${other}/`)),
      );
      const digests = options.digests ?? ['sha256'];
      const except = [...(options.except ?? []), ...hidden];
      const request = ['scan', starts.length, except.length, digests.join(' '), ...starts, ...except];
      const ordered = starts.length === 1;
      let last = '';
      // one of its own: whoever reads it asks other things meanwhile
      await using scanning = closing(await start());
      for await (const fields of scanning.channel.askMany(request)) {
        options.signal?.throwIfAborted();
        for (let at = 0; at + 5 < fields.length; at += 6) {
          const entry = entryOf(fields.slice(at, at + 6), digests);
          if (entry === undefined || (ordered && byBytes(last, entry.path) >= 0)) throw odd(label);
          last = entry.path;
          yield entry;
        }
      }
    },
    async [Symbol.asyncDispose]() {
      (await channel?.catch(() => undefined))?.close();
    },
  };
}

function closing(channel: Channel): { readonly channel: Channel } & AsyncDisposable {
  return {
    channel,
    async [Symbol.asyncDispose]() {
      channel.close();
    },
  };
}

function odd(label: string): UserError {
  return new UserError(`${label} gives answers that make no sense`);
}

function statOf(text: string): { readonly stat: Stat; readonly rdev: number } | undefined {
  const [type = '', mode, uid, gid, size, mtime, inode = '', rdev] = text.split(' ');
  const numbers = [mode, uid, gid, size, mtime, rdev].map(Number);
  if (!isType(type) || !numbers.every(Number.isSafeInteger)) return undefined;
  const [m = 0, u = 0, g = 0, s = 0, t = 0, r = 0] = numbers;
  return { stat: { type, mode: m, uid: u, gid: g, size: s, mtimeMs: t * 1000, inode }, rdev: r };
}

function digestOf(text: string): string | undefined {
  return /^(?:[0-9a-f]{64}|[0-9a-f]{32})$/.test(text) ? text : undefined;
}

function entryOf(fields: readonly Buffer[], digests: readonly ('sha256' | 'md5')[]): Entry | undefined {
  const [path = '', stats = '', target = '', capability = '', unreadable, sums = ''] = fields.map(decodeName);
  const found = statOf(stats);
  if (found === undefined || !path.startsWith('/') || /(?:^|\/)\.{1,2}(?:\/|$)|.\/$|\/\//.test(path)) return undefined;
  const { type, mode, uid, gid, size } = found.stat;
  const entry: Entry = { path, type, mode, uid, gid };
  const flaw = unreadable === '1' ? { unreadable: true as const } : {};
  if (type === 'link') return { ...entry, ...(flaw.unreadable === true ? flaw : { target }) };
  if (type === 'character' || type === 'block') return { ...entry, device: deviceOf(found.rdev) };
  if (type !== 'file') return { ...entry, ...flaw };
  const made = sums.split(' ').map(digestOf);
  return {
    ...entry,
    size,
    ...(flaw.unreadable === true
      ? flaw
      : Object.fromEntries(digests.map((algorithm, index) => [algorithm, made[index]]))),
    ...(/^(?:[0-9a-f]{2})+$/.test(capability) ? { capability } : {}),
  };
}
