import { posix } from 'node:path';

import { parse as parseToml } from 'smol-toml';

import type { Context, Root } from '../../contract/index.ts';
import { rememberLogin } from '../../archives/logins.ts';
import { cutAddress } from '../../formats/spec/secrets.ts';
import { readZipDirectory, readZipMember } from '../../roots/zip.ts';

/** Where an installer of Python packages was told to look. */
export interface InstallerSettings {
  /** Addresses of simple indexes, the first asked first; no user names and passwords. */
  readonly indexes: readonly string[];
  /** Folders with files in them. */
  readonly folders: readonly string[];
  /** Set where an address had a user name or password in it. */
  readonly hadSecret: boolean;
}

export interface Asked {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homes: readonly string[];
  /** Where pip itself may lie: its own default is written in it. */
  readonly sites: readonly string[];
  /** Prefixes and environments with a pip.conf of their own. */
  readonly prefixes: readonly string[];
}

interface Found {
  index?: string | undefined;
  readonly extra: string[];
  readonly folders: string[];
  none: boolean;
}

/**
 * What pip and uv would use in this root: this machine's settings (`index` in `[venv]` or `[pip]`), the environment,
 * configuration files (pip's "Configuration", uv's "Settings"), pip's own default as its source has it.
 */
export async function installerSettings(root: Root, asked: Asked, context: Context): Promise<InstallerSettings> {
  const found: Found = { extra: [], folders: [], none: false };
  for (const type of ['venv', 'pip']) {
    const { index } = context.settings(type);
    if (typeof index === 'string') found.index ??= index;
  }
  fromEnvironment(asked.env, found);
  const files = [
    ...(asked.env['PIP_CONFIG_FILE'] === undefined ? [] : [asked.env['PIP_CONFIG_FILE']]),
    ...asked.prefixes.map((prefix) => posix.join(prefix, 'pip.conf')),
    ...asked.homes.flatMap((home) => [`${home}/.config/pip/pip.conf`, `${home}/.pip/pip.conf`]),
    '/etc/xdg/pip/pip.conf',
    '/etc/pip.conf',
  ];
  for (const file of files) {
    const text = await readText(root, file);
    if (text !== undefined) fromPipConf(text, found);
  }
  for (const file of [...asked.homes.map((home) => `${home}/.config/uv/uv.toml`), '/etc/uv/uv.toml']) {
    const text = await readText(root, file);
    if (text !== undefined) fromUvToml(text, found);
  }
  if (found.index === undefined && !found.none) {
    const own = await pipsOwn(root, asked.sites);
    if (own !== undefined) found.index = own;
  }
  const all = [...(found.none || found.index === undefined ? [] : [found.index]), ...found.extra];
  const indexes = all.filter((one) => /^https?:$/.test(URL.parse(one)?.protocol ?? ''));
  // whoever runs us may ask what they have a login for; an image's or another root's is not theirs
  if (root.directory === '/') indexes.forEach(rememberLogin);
  return {
    indexes: [...new Set(indexes.map((one) => cutAddress(one).replace(/\/+$/, '')))],
    folders: [...new Set(found.folders)],
    hadSecret: indexes.some((one) => cutAddress(one) !== one),
  };
}

function fromEnvironment(env: Asked['env'], found: Found): void {
  for (const name of ['PIP_INDEX_URL', 'UV_DEFAULT_INDEX', 'UV_INDEX_URL']) {
    const value = env[name];
    if (value !== undefined && value !== '') found.index ??= named(value);
  }
  for (const name of ['PIP_EXTRA_INDEX_URL', 'UV_INDEX', 'UV_EXTRA_INDEX_URL']) {
    found.extra.push(...words(env[name] ?? '').map(named));
  }
  found.folders.push(...foldersIn(`${env['PIP_FIND_LINKS'] ?? ''} ${env['UV_FIND_LINKS'] ?? ''}`));
  if (/^(?:1|true|yes|on)$/i.test(env['PIP_NO_INDEX'] ?? '')) found.none = true;
}

/** uv lets an index have a name: `NAME=https://…`. */
function named(value: string): string {
  return value.replace(/^[\w-]+=(?=https?:)/, '');
}

/** pip.conf: sections of `key = value`, a value goes on in lines that are indented. */
function fromPipConf(text: string, found: Found): void {
  let section = '';
  const values = new Map<string, string>();
  let key: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(?:[#;]|$)/.test(line)) continue;
    const header = /^\[([\w-]+)\]\s*$/.exec(line)?.[1];
    if (header !== undefined) section = header;
    const [, name, value] = /^([\w-]+)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) {
      key =
        section === 'global' || section === 'install' || section === 'download' ? name.replaceAll('_', '-') : undefined;
      if (key !== undefined && !values.has(key)) values.set(key, value);
      else key = undefined;
    } else if (key !== undefined && /^\s/.test(line)) values.set(key, `${values.get(key) ?? ''} ${line.trim()}`);
  }
  found.index ??= values.get('index-url');
  found.extra.push(...words(values.get('extra-index-url') ?? ''));
  found.folders.push(...foldersIn(values.get('find-links') ?? ''));
  if (/^(?:1|true|yes|on)$/i.test(values.get('no-index') ?? '')) found.none = true;
}

function fromUvToml(text: string, found: Found): void {
  let value: Readonly<Record<string, unknown>>;
  try {
    value = parseToml(text);
  } catch {
    return;
  }
  const scopes = [value, value['pip'] as Readonly<Record<string, unknown>> | undefined];
  for (const scope of scopes) {
    if (scope === undefined || typeof scope !== 'object') continue;
    const { index, 'index-url': address, 'extra-index-url': extra, 'no-index': none } = scope;
    for (const one of Array.isArray(index) ? (index as unknown[]) : []) {
      const { url, default: first } = (one ?? {}) as Readonly<Record<string, unknown>>;
      if (typeof url !== 'string') continue;
      if (first === true) found.index ??= url;
      else found.extra.push(url);
    }
    if (typeof address === 'string') found.index ??= address;
    if (Array.isArray(extra)) found.extra.push(...extra.filter((one): one is string => typeof one === 'string'));
    if (none === true) found.none = true;
  }
}

/** pip's default index, as its own source says: an installed pip, or the wheel that venvs get theirs from. */
async function pipsOwn(root: Root, sites: readonly string[]): Promise<string | undefined> {
  const path = 'pip/_internal/models/index.py';
  for (const site of sites) {
    const found = inSource(await readText(root, posix.join(site, path)));
    if (found !== undefined) return found;
  }
  const folders = ['/usr/share/python-wheels', ...sites.map((site) => posix.join(site, '../ensurepip/_bundled'))];
  for (const folder of folders) {
    for (const { name } of await root.readdir(folder).catch(() => [])) {
      if (!/^pip-.*\.whl$/.test(name)) continue;
      const bytes = await root.readFile(posix.join(folder, name), 64 * 1024 * 1024).catch(() => undefined);
      const found = bytes === undefined ? undefined : inSource(await memberOf(bytes, path, name));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function inSource(text: string | undefined): string | undefined {
  const address = /^PyPI = PackageIndex\(\s*"(https?:\/\/[^"\s]+)"/m.exec(text ?? '')?.[1];
  return address === undefined ? undefined : `${address.replace(/\/+$/, '')}/simple`;
}

async function memberOf(bytes: Buffer, path: string, label: string): Promise<string | undefined> {
  const source = {
    label,
    size: bytes.length,
    read: async (at: number, length: number) => bytes.subarray(at, at + length),
  };
  try {
    const member = (await readZipDirectory(source)).find(({ name }) => name === path);
    return member === undefined ? undefined : (await readZipMember(source, member, 1024 * 1024)).toString('utf8');
  } catch {
    return undefined;
  }
}

async function readText(root: Root, file: string): Promise<string | undefined> {
  if (!file.startsWith('/')) return undefined;
  return (await root.readFile(file, 1024 * 1024).catch(() => undefined))?.toString('utf8');
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

function foldersIn(text: string): string[] {
  return words(text)
    .map((word) => word.replace(/^file:\/\/(?=\/)/, ''))
    .filter((word) => word.startsWith('/'));
}
