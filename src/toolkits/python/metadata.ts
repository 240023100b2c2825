import { cutAddress } from '../../formats/spec/secrets.ts';

/** A name as PEP 503 has it: what makes two spellings the same project. */
export function normalizeName(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase();
}

/** A name or version as it stands in file names: `typing_extensions`. */
export function isProjectName(name: string): boolean {
  return /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/.test(name);
}

export interface Metadata {
  readonly name: string;
  readonly version: string;
  /** `Requires-Dist`, as written. */
  readonly requires: readonly string[];
}

/** The head of a METADATA or PKG-INFO (core metadata: headers as of e-mail); undefined where it names no project. */
export function parseMetadata(bytes: Uint8Array): Metadata | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 4 * 1024 * 1024)).toString(
    'utf8',
  );
  let name: string | undefined;
  let version: string | undefined;
  const requires: string[] = [];
  for (const line of text.split('\n')) {
    const trimmed = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (trimmed === '') break; // the description follows
    const colon = trimmed.indexOf(':');
    if (colon < 1) continue;
    const value = trimmed.slice(colon + 1).trim();
    const key = trimmed.slice(0, colon).toLowerCase();
    if (key === 'name') name ??= value;
    else if (key === 'version') version ??= value;
    else if (key === 'requires-dist' && requires.length < 10_000) requires.push(value);
  }
  if (name === undefined || version === undefined || !isProjectName(name) || !isVersionWord(version)) return undefined;
  return { name, version, requires };
}

function isVersionWord(version: string): boolean {
  return /^[\w.!+-]{1,128}$/.test(version);
}

export interface WheelInfo {
  /** Every tag on its own: `cp311-cp311-manylinux_2_17_x86_64`. */
  readonly tags: readonly string[];
  readonly build?: string;
}

/** A WHEEL file. */
export function parseWheelInfo(bytes: Uint8Array): WheelInfo {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 65_536)).toString('utf8');
  const tags = [...text.matchAll(/^Tag:[ \t]*([\w.-]+)[ \t]*\r?$/gim)].map(([, tag = '']) => tag);
  const build = /^Build:[ \t]*(\d\w*)/im.exec(text)?.[1];
  return { tags, ...(build === undefined ? {} : { build }) };
}

/** Where a package came from, other than by its name (PEP 610). */
export type DirectUrl =
  | { readonly kind: 'archive'; readonly url: string; readonly sha256?: string }
  | {
      readonly kind: 'vcs';
      readonly url: string;
      readonly vcs: string;
      readonly commit: string;
      readonly editable: boolean;
    }
  | { readonly kind: 'folder'; readonly path: string; readonly editable: boolean };

/** A direct_url.json; undefined where it is none. User name and password are cut from addresses. */
export function parseDirectUrl(bytes: Uint8Array): DirectUrl | undefined {
  const value = jsonObject(bytes);
  const url = value?.['url'];
  if (value === undefined || typeof url !== 'string' || url.length > 4096) return undefined;
  const { archive_info: archive, vcs_info: vcs, dir_info: folder } = value;
  if (isObject(vcs)) {
    const { vcs: kind, commit_id: commit } = vcs;
    if (typeof kind !== 'string' || typeof commit !== 'string' || !/^[\w.-]{1,80}$/.test(commit)) return undefined;
    return { kind: 'vcs', url: cutAddress(url), vcs: kind, commit, editable: false };
  }
  if (isObject(folder)) {
    const parsed = URL.parse(url);
    if (parsed?.protocol !== 'file:') return undefined;
    const path = decoded(parsed.pathname)?.replace(/(?<=.)\/+$/, '');
    if (path === undefined || path.includes('\0')) return undefined;
    return { kind: 'folder', path, editable: folder['editable'] === true };
  }
  if (!isObject(archive)) return undefined;
  const { hash, hashes } = archive;
  const sum = isObject(hashes) ? hashes['sha256'] : /^sha256=(.*)$/.exec(typeof hash === 'string' ? hash : '')?.[1];
  const sha256 = typeof sum === 'string' && /^[0-9a-f]{64}$/.test(sum) ? sum : undefined;
  return { kind: 'archive', url: cutAddress(url), ...(sha256 === undefined ? {} : { sha256 }) };
}

/** One script that an installer makes: `name` calls `module:object`. */
export interface EntryPoint {
  readonly name: string;
  readonly module: string;
  readonly object: string;
  readonly gui: boolean;
}

/** The console and GUI scripts of an entry_points.txt ("Entry points specification", packaging.python.org). */
export function parseEntryPoints(bytes: Uint8Array): EntryPoint[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 1024 * 1024)).toString('utf8');
  const found: EntryPoint[] = [];
  let section = '';
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    const header = /^\[(.*)\]$/.exec(line)?.[1];
    if (header !== undefined) section = header.trim();
    if (section !== 'console_scripts' && section !== 'gui_scripts') continue;
    const [, name, module, object] =
      /^([\w.+-]+)\s*=\s*([A-Za-z_][\w.]*)\s*:\s*([A-Za-z_][\w.]*)\s*(?:\[.*\])?$/.exec(line) ?? [];
    if (name === undefined || module === undefined || object === undefined || /^\.+$/.test(name)) continue;
    found.push({ name, module, object, gui: section === 'gui_scripts' });
  }
  return found;
}

/** A pyvenv.cfg: keys in lower case. */
export function parseVenvConfig(bytes: Uint8Array): Readonly<Record<string, string>> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 65_536)).toString('utf8');
  const found: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const line of text.split('\n')) {
    const [, key, value] = /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) found[key.toLowerCase()] = value;
  }
  return found;
}

function jsonObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
