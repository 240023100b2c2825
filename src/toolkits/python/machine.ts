import { homedir } from 'node:os';
import { posix } from 'node:path';

import type { Context, Ran, Root } from '../../contract/index.ts';
import { installerSettings, type InstallerSettings } from './settings.ts';

const folders = ['/usr/lib/python3/dist-packages', '/usr/local/lib', '/usr/lib', '/usr/lib64'] as const;

/** What pip and uv would use for whoever runs us, on this machine. */
export async function ownSettings(root: Root, context: Context): Promise<InstallerSettings> {
  return await settingsOf(root, { env: process.env, homes: [homedir()], prefixes: [], sites: [] }, context);
}

/** What they would use for an installation in `root`: by the environment of the run, and where it lies. */
export async function settingsFor(
  root: Root,
  top: string,
  sites: readonly string[],
  ran: Ran | undefined,
  context: Context,
): Promise<InstallerSettings> {
  const env = environmentOf(root, ran);
  return await settingsOf(root, { env, homes: homesOf(top, env), prefixes: [top], sites }, context);
}

/** Where pip keeps what it has downloaded (pip's "Caching"). */
export function pipCaches(root: Root, top: string, ran: Ran | undefined): string[] {
  const env = environmentOf(root, ran);
  const named = [
    env['PIP_CACHE_DIR'],
    env['XDG_CACHE_HOME'] === undefined ? undefined : `${env['XDG_CACHE_HOME']}/pip`,
  ];
  const found = [...named, ...homesOf(top, env).map((home) => `${home}/.cache/pip`)];
  return [
    ...new Set(found.filter((path) => path?.startsWith('/') === true).map((path) => posix.normalize(path ?? '/'))),
  ];
}

/** Where nothing was run, whoever runs us has looked at this machine. */
function environmentOf(root: Root, ran: Ran | undefined): Readonly<Record<string, string | undefined>> {
  return ran?.env ?? (root.directory === '/' ? process.env : {});
}

function homesOf(top: string, env: Readonly<Record<string, string | undefined>>): string[] {
  const home = env['HOME'];
  const above = /^(\/home\/[^/]+|\/root)(?:\/|$)/.exec(top)?.[1];
  return [...new Set([home, above].filter((path) => path?.startsWith('/') === true).map((path) => path ?? ''))];
}

async function settingsOf(
  root: Root,
  asked: Parameters<typeof installerSettings>[1],
  context: Context,
): Promise<InstallerSettings> {
  const sites = [...asked.sites, folders[0]];
  for (const folder of folders.slice(1)) {
    for (const { name } of await root.readdir(folder).catch(() => [])) {
      if (!/^python3\.\d+$/.test(name)) continue;
      sites.push(`${folder}/${name}/site-packages`, `${folder}/${name}/dist-packages`);
    }
  }
  return await installerSettings(root, { ...asked, sites }, context);
}
