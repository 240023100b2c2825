import { posix } from 'node:path';

import { isSafeAbsolute } from '../../../model/index.ts';
import { encodeHeader, tarEnd, tarPadding } from '../../../roots/tar-header.ts';
import { fileFlags, filesOf } from '../read/package.ts';
import { withRpm } from './rpm-file.ts';
import type { RpmFile } from './tools.ts';

/**
 * The files of these packages as one tar, documentation left out: names are canonical, for packages go on calling by
 * `/bin` what is a link there. rpm writes all of it anew when it installs itself.
 */
export async function* tarOf(packages: Iterable<RpmFile>): AsyncGenerator<Uint8Array, void, undefined> {
  const all = [...packages];
  const links = new Map<string, string>();
  for (const one of all) for (const { path, link } of filesOf(one)) if (link !== '') links.set(path, link);
  const place = (path: string) => canonical(path, links);
  const made = new Set<string>();
  // links to folders first: others' files lie behind them
  for (const [path, link] of [...links].sort(([a], [b]) => a.length - b.length)) {
    const at = place(path);
    made.add(at);
    yield encodeHeader({
      name: at.slice(1),
      type: 'link',
      mode: 0o777,
      uid: 0,
      gid: 0,
      size: 0,
      target: link,
      mtimeMs: 0,
    });
  }
  for (const one of all) {
    const files = new Map(filesOf(one).map((file) => [file.path, file]));
    const waiting: string[] = [];
    const member = (path: string, mode: number, content: Buffer): Uint8Array[] => [
      encodeHeader({
        name: place(path).slice(1),
        type: 'file',
        mode: mode & 0o7777,
        uid: 0,
        gid: 0,
        size: content.length,
        mtimeMs: 0,
      }),
      content,
      tarPadding(content.length),
    ];
    yield* await withRpm(one.file, `${one.name} ${one.version}`, async ({ members }) => {
      const pieces: Uint8Array[] = [];
      for await (const { path, mode, size, content } of members()) {
        const file = files.get(path);
        const at = place(path);
        if (file === undefined || isMounted(at) || (file.flags & fileFlags.documentation) !== 0 || made.has(at))
          continue;
        if ((mode & 0o170000) === 0o040000) {
          made.add(at);
          pieces.push(
            encodeHeader({
              name: at.slice(1),
              type: 'directory',
              mode: mode & 0o7777,
              uid: 0,
              gid: 0,
              size: 0,
              mtimeMs: 0,
            }),
          );
          continue;
        }
        if ((mode & 0o170000) !== 0o100000) continue;
        made.add(at);
        // of files that are one, the last has the content
        if (size === 0 && file.size > 0) waiting.push(path);
        else {
          const chunks: Buffer[] = [];
          for await (const chunk of content()) chunks.push(Buffer.from(chunk));
          const whole = Buffer.concat(chunks);
          pieces.push(...member(path, mode, whole));
          const same = waiting.filter((other) => files.get(other)?.digest === file.digest);
          for (const other of same) {
            pieces.push(...member(other, mode, whole));
            waiting.splice(waiting.indexOf(other), 1);
          }
        }
      }
      return pieces;
    });
  }
  yield tarEnd;
}

/** What an enclosure mounts is not there to be written. */
function isMounted(path: string): boolean {
  return /^\/(?:proc|sys|dev)(?:\/|$)/.test(path);
}

/** Files that are written as they are. */
export async function* tarOfFiles(
  files: AsyncIterable<{ readonly path: string; readonly mode: number; readonly content: Uint8Array }>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { path, mode, content } of files) {
    yield encodeHeader({ name: path.slice(1), type: 'file', mode, uid: 0, gid: 0, size: content.length, mtimeMs: 0 });
    yield content;
    yield tarPadding(content.length);
  }
  yield tarEnd;
}

/** A path with the links of its folders followed, by what the packages say; it never leaves the root. */
function canonical(path: string, links: ReadonlyMap<string, string>): string {
  let at = '';
  let open = path.split('/').filter((part) => part !== '');
  for (let steps = 0; open.length > 1;) {
    const [part = '', ...rest] = open;
    const next = `${at}/${part}`;
    const link = links.get(next);
    if (link === undefined || steps >= 40) {
      at = next;
      open = rest;
      continue;
    }
    steps++;
    const target = posix.resolve(at === '' ? '/' : at, link);
    at = '';
    open = [...target.split('/').filter((name) => name !== ''), ...rest];
  }
  const whole = `${at}/${open[0] ?? ''}`;
  return isSafeAbsolute(whole) ? whole : path;
}
