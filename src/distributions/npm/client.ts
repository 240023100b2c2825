import { homedir } from 'node:os';
import { posix } from 'node:path';

import type { Context, Root } from '../../contract/index.ts';
import { localRoot } from '../../roots/local.ts';
import { runProcess } from '../../sessions/process.ts';
import type { Cacache } from './cacache.ts';
import { passedOn } from './npm-environment.ts';

/** How npm is configured somewhere; nothing secret is read out of it. */
export interface ClientConfig {
  readonly registry?: string;
  /** Registries of their own, by scope (`@lab`). */
  readonly scopes: ReadonlyMap<string, string>;
  /** Registries that are asked with a password or token, without their scheme. */
  readonly locked: ReadonlySet<string>;
  readonly cache?: string;
}

/** The parts of an npmrc(5) that matter here, added to `found`; what is there already stays. `${NAME}` is not replaced. */
export function parseNpmrc(content: string): ClientConfig {
  const scopes = new Map<string, string>();
  const locked = new Set<string>();
  let [registry, cache]: (string | undefined)[] = [];
  for (const line of content.split('\n')) {
    // no pattern over the whole line: a long one of blanks would take its square
    const at = line.indexOf('=');
    const key = line.slice(0, Math.max(0, at)).trim();
    if (key === '' || key.startsWith(';') || key.startsWith('#')) continue;
    const quoted = line.slice(at + 1).trim();
    const value = quoted.replace(/^(["'])(.*)\1$/, '$2');
    const secret = /^\/\/(.+?):(?:_|username$)/.exec(key)?.[1];
    if (secret !== undefined) locked.add(secret.replace(/\/*$/, '/'));
    else if (key === 'registry') registry = cleanRegistry(value);
    else if (key === 'cache' && value.startsWith('/')) cache = posix.normalize(value);
    else if (/^@[^:]+:registry$/.test(key)) {
      const address = cleanRegistry(value);
      if (address !== undefined) scopes.set(key.slice(0, key.indexOf(':')), address);
    }
  }
  return {
    ...(registry === undefined ? {} : { registry }),
    ...(cache === undefined ? {} : { cache }),
    scopes,
    locked,
  };
}

/** An http(s) address that ends in a slash, without user, password, query and fragment; undefined for another. */
export function cleanRegistry(address: string): string | undefined {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  return url.href.replace(/\/*$/, '/');
}

/** How npm was configured for a project of the traced system: environment, the project's, the user's own file. */
export async function tracedConfig(
  root: Root,
  project: string,
  env: Readonly<Record<string, string>> | undefined,
): Promise<ClientConfig> {
  const home = env?.['HOME'] ?? (root.directory === '/' ? homedir() : '/root');
  const files = [posix.join(project, '.npmrc'), posix.join(home, '.npmrc'), posix.join(project, 'etc/npmrc')];
  const configs = await Promise.all(files.map(async (file) => await readNpmrc(root, file)));
  return merge([environmentConfig(env ?? {}), ...configs, { cache: posix.join(home, '.npm'), ...nothing }]);
}

/** How npm of this machine is configured for this user; settings of ours come first. */
export async function ownConfig(context: Pick<Context, 'settings'>): Promise<ClientConfig> {
  const { registry, cache } = context.settings('npm');
  const set = parseNpmrc(
    [
      ...(typeof registry === 'string' ? [`registry=${registry}`] : []),
      ...(typeof cache === 'string' ? [`cache=${cache}`] : []),
    ].join('\n'),
  );
  await using root = localRoot('/');
  return merge([
    set,
    environmentConfig(process.env),
    await readNpmrc(root, posix.join(homedir(), '.npmrc')),
    { cache: posix.join(homedir(), '.npm'), ...nothing },
  ]);
}

/** The registry that this machine's npm asks where its configuration says none: npm knows. Asked once. */
export async function defaultRegistry(): Promise<string | undefined> {
  return await (asked ??= askNpm());
}

/** npm's cache of a configuration. */
export function cacheOf(root: Root, { cache }: ClientConfig): Cacache[] {
  return cache === undefined ? [] : [{ root, folder: posix.join(cache, '_cacache') }];
}

let asked: Promise<string | undefined> | undefined;

async function askNpm(): Promise<string | undefined> {
  const { status, stdout } = await runProcess(['npm', 'config', 'get', 'registry'], {
    env: passedOn(),
    cwd: '/',
    accept: 'any',
    timeoutMs: 20_000,
  });
  return status === 0 ? cleanRegistry(stdout.toString('utf8').trim()) : undefined;
}

const nothing = { scopes: new Map<string, string>(), locked: new Set<string>() };

async function readNpmrc(root: Root, file: string): Promise<ClientConfig> {
  const bytes = await root.readFile(file, 1024 * 1024).catch(() => undefined);
  return parseNpmrc(bytes?.toString('utf8') ?? '');
}

/** npm takes `npm_config_NAME`, in any case, for a setting. */
function environmentConfig(env: Readonly<Record<string, string | undefined>>): ClientConfig {
  const lines = Object.entries(env).flatMap(([name, value]) => {
    const key = /^npm_config_(registry|cache)$/i.exec(name)?.[1]?.toLowerCase();
    return key === undefined || value === undefined ? [] : [`${key}=${value}`];
  });
  return parseNpmrc(lines.join('\n'));
}

/** The first that says something counts. */
function merge(configs: readonly ClientConfig[]): ClientConfig {
  const registry = configs.find((one) => one.registry !== undefined)?.registry;
  const cache = configs.find((one) => one.cache !== undefined)?.cache;
  return {
    ...(registry === undefined ? {} : { registry }),
    ...(cache === undefined ? {} : { cache }),
    scopes: new Map(configs.toReversed().flatMap(({ scopes }) => [...scopes])),
    locked: new Set(configs.flatMap(({ locked }) => [...locked])),
  };
}
