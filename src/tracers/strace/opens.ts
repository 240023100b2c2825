import { did, type Opening, type Touched } from './accesses.ts';
import { closingQuote, copyText, decodeEscapes } from './escapes.ts';
import type { Process } from './processes.ts';
import type { Scene } from './scene.ts';
import { onThisMachine } from './views.ts';

/** Takes lines of open, openat, openat2 and creat: nearly all lines there are, so no parsing that isn't needed. */
export function watchOpens(scene: Scene): (process: Process, text: string) => void {
  const openings = new Map<string, Opening>();

  function opening(flags: string): Opening {
    const known = openings.get(flags);
    if (known !== undefined) return known;
    const made = parseOpening(flags);
    openings.set(copyText(flags), made);
    return made;
  }

  /** The record of a path as strace prints it, in the process's view. */
  function record(process: Process, raw: string): Touched | readonly Touched[] {
    const path = raw.includes('\\') ? decodeEscapes(raw) : raw;
    if (process.view.own) {
      const shown = path === raw ? copyText(raw) : path;
      return scene.files({ shown, host: onThisMachine(process.view, shown), links: [] });
    }
    return scene.accesses.find(path) ?? scene.accesses.touch(path === raw ? copyText(raw) : path, false);
  }

  function opens(process: Process, text: string): void {
    const last = text.length - 1;
    let end = last;
    const closes = text.charCodeAt(last);
    const deleted = closes === 41 && text.endsWith('>(deleted)');
    if (deleted) end = last - 9;
    else if (closes !== 62 && !/ = [0-9]+$/.test(text)) return; // it failed
    const named = text.charCodeAt(end) === 62;
    const angle = named ? text.lastIndexOf('<', end) : text.length;
    if (named && text.charCodeAt(angle + 1) !== 47) return; // a pipe, a socket, an anonymous inode
    if (!(text.charCodeAt(angle - 1) >= 48 && text.charCodeAt(angle - 1) <= 57)) return;

    const open = text.indexOf('(') + 1;
    let quote = text.indexOf('"', open);
    let from = -1;
    let fromEnd = -1;
    const firstAngle = text.indexOf('<', open);
    if (firstAngle > 0 && firstAngle < angle && (firstAngle < quote || quote < 0)) {
      from = firstAngle + 1;
      fromEnd = text.indexOf('>', from);
      quote = text.indexOf('"', fromEnd);
    }
    const closing = closingQuote(text, quote);
    if (quote < 0 || closing < 0) return;
    const how = opening(openFlags(text, closing));
    if (from > 0) here(process, text, from, fromEnd);

    const asked = text.slice(quote + 1, closing);
    if (named) {
      const kernels = isKernels(asked);
      // strace before 5.13 prints the mark within the brackets.
      if (!deleted && text.endsWith(' (deleted)>') && !scene.look.isThere(decodeEscapes(text.slice(angle + 1, end)))) {
        opens(process, `${text.slice(0, end - 10)}>(deleted)`);
        return;
      }
      if (isTransient(text, angle + 1, deleted, how)) {
        if (!kernels && !deleted) led(process, text, from, fromEnd, asked); // /etc/mtab -> /proc/self/mounts
        return;
      }
      if (deleted && kernels) return;
      const raw = text.slice(angle + 1, end);
      const found = record(process, raw);
      const differs = !isSame(raw, asked, text, from, fromEnd);
      for (const file of Array.isArray(found) ? found : [found]) {
        scene.accesses.opened(file, how);
        if (deleted) scene.accesses.removed(file);
        if (differs) names(process, file, text, from, fromEnd, asked);
      }
      return;
    }
    // No path was to be had (longer than PATH_MAX, or closed again): the name must do.
    if (how.nameless) return;
    const located = scene.locate(process, decodeEscapes(asked), {
      ...(from > 0 ? { from: decodeEscapes(text.slice(from, fromEnd)) } : {}),
      follow: true,
    });
    for (const file of scene.files(located)) scene.accesses.opened(file, how);
  }

  /** A name that leads to something of the process's own: the name itself is what can come back. */
  function led(process: Process, text: string, from: number, fromEnd: number, asked: string): void {
    const folder = from > 0 ? decodeEscapes(text.slice(from, fromEnd)) : process.place.cwd;
    if (folder === '/proc' || folder.startsWith('/proc/')) return;
    const located = scene.locate(process, decodeEscapes(asked), { from: folder, follow: false });
    for (const file of scene.files(located)) file.flags |= did.read;
  }

  /** `AT_FDCWD<…>` is the kernel's own word for the working directory. */
  function here(process: Process, text: string, from: number, fromEnd: number): void {
    if (text.charCodeAt(from - 2) !== 68) return; // a descriptor's number, not AT_FDCWD
    const { place } = process;
    if (fromEnd - from === place.cwd.length && text.slice(from, fromEnd) === place.cwd) return;
    const cwd = decodeEscapes(text.slice(from, fromEnd));
    if (cwd === place.cwd || text.charCodeAt(fromEnd + 1) === 40) return; // the same, or deleted
    place.cwd = cwd;
    scene.workedIn(process, cwd);
  }

  function names(process: Process, file: Touched, text: string, from: number, fromEnd: number, asked: string): void {
    const absolute = asked.charCodeAt(0) === 47;
    if (absolute && isKernels(asked)) return;
    const key = absolute ? asked : `${from > 0 ? text.slice(from, fromEnd) : process.place.cwd}/${asked}`;
    if (file.lastAsked === key || file.asked?.has(key) === true) return;
    const own = absolute ? copyText(key) : key;
    if (file.lastAsked !== undefined) (file.asked ??= new Set([file.lastAsked])).add(own);
    file.lastAsked = own;
    const folder = from > 0 ? decodeEscapes(text.slice(from, fromEnd)) : process.place.cwd;
    const name = absolute ? process.place.root + decodeEscapes(asked) : `${folder}/${decodeEscapes(asked)}`;
    if ((file.flags & did.foreign) !== 0) {
      scene.reached(file, { shown: file.path, host: undefined, links: [] }, name);
      return;
    }
    const located = scene.locate(process, decodeEscapes(asked), {
      from: folder,
      follow: true,
    });
    scene.reached(file, located, name);
  }

  return opens;
}

/** Whether the name that was asked for is, letter by letter, where it led. */
function isSame(raw: string, asked: string, text: string, from: number, fromEnd: number): boolean {
  if (asked.charCodeAt(0) === 47) return asked === raw;
  const length = fromEnd - from;
  return (
    from > 0 &&
    raw.length === length + 1 + asked.length &&
    raw.endsWith(asked) &&
    raw.charCodeAt(length) === 47 &&
    text.slice(from, fromEnd) === raw.slice(0, length)
  );
}

/** Names that are nobody's file: a process's folder in /proc, memory, temporary files without a name. */
function isTransient(text: string, at: number, deleted: boolean, how: Opening): boolean {
  if (how.nameless) return true;
  if (deleted)
    return text.startsWith('/memfd:', at) || text.startsWith('/SYSV', at) || text.startsWith('/dev/zero', at);
  if (!text.startsWith('/proc/', at)) return false;
  const digit = text.charCodeAt(at + 6);
  return digit >= 48 && digit <= 57;
}

/** Names that mean another thing in each process. */
function isKernels(asked: string): boolean {
  return asked.startsWith('/proc/') || /^\/dev\/(?:fd|stdin|stdout|stderr)(?:\/|$)/.test(asked);
}

function openFlags(text: string, closing: number): string {
  if (text.startsWith('creat(')) return 'O_WRONLY|O_CREAT|O_TRUNC';
  let start = closing + 3;
  if (text.startsWith('{flags=', start)) start += 7;
  let end = start;
  for (let code = text.charCodeAt(end); code !== 44 && code !== 41 && end < text.length; code = text.charCodeAt(end))
    end += 1;
  return text.slice(start, end);
}

/** The O_ flags of open(2), as strace prints them. */
export function parseOpening(text: string): Opening {
  const flags = new Set(text.split('|'));
  const creates = flags.has('O_CREAT');
  const writes = flags.has('O_WRONLY') || flags.has('O_RDWR') || flags.has('O_TRUNC');
  return {
    reads: !flags.has('O_WRONLY'),
    writes,
    creates,
    fresh: flags.has('O_TRUNC') || (creates && flags.has('O_EXCL')),
    directory: flags.has('O_DIRECTORY'),
    looks: flags.has('O_PATH'),
    nameless: flags.has('O_TMPFILE'),
  };
}
