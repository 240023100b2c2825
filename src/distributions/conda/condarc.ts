import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import type { Context } from '../../contract/index.ts';
import { isTooDeep } from '../../formats/yaml-depth.ts';
import { cutChannel, isFetchable } from './address.ts';

/** What this machine's clients of conda, and our own configuration, say of channels. */
export interface ClientConfig {
  /** Addresses or names, the first preferred. */
  readonly channels: readonly string[];
  /** Where the channel of a name lies. */
  readonly alias?: string;
  readonly named: ReadonlyMap<string, readonly string[]>;
  readonly caches: readonly string[];
  /** By a channel's address, or the last part of it. */
  readonly mirrors: ReadonlyMap<string, string>;
}

/** Our own table (`[conda]`: `channels`, `alias`, `mirrors`) before `~/.condarc`, `~/.mambarc` and `/etc/conda`. */
export async function readClientConfig(context: Context): Promise<ClientConfig> {
  const own = parseOwn(context.settings('conda'));
  const home = homedir();
  const files = [
    join(home, '.condarc'),
    join(home, '.conda/condarc'),
    join(home, '.config/conda/.condarc'),
    join(home, '.mambarc'),
    '/etc/conda/.condarc',
    '/etc/conda/condarc',
  ];
  const texts = await Promise.all(files.map(async (file) => await readFile(file, 'utf8').catch(() => '')));
  const read = await Promise.all(texts.map(parseCondarc));
  const all = [own, ...read];
  const alias = all.find((one) => one.alias !== undefined)?.alias;
  return {
    channels: all.find(({ channels }) => channels.length > 0)?.channels ?? [],
    ...(alias === undefined ? {} : { alias }),
    named: new Map(all.toReversed().flatMap(({ named }) => [...named])),
    caches: all.flatMap(({ caches }) => caches),
    mirrors: new Map(all.toReversed().flatMap(({ mirrors }) => [...mirrors])),
  };
}

/** A `.condarc`; what is not understood is left out. Never throws. */
export async function parseCondarc(text: string): Promise<ClientConfig> {
  const nothing = { channels: [], named: new Map(), caches: [], mirrors: new Map() };
  if (text === '' || text.length > 1024 * 1024 || isTooDeep(text)) return nothing;
  const { parse } = await import('yaml');
  let value: unknown;
  try {
    value = parse(text, { schema: 'failsafe', maxAliasCount: 100 });
  } catch {
    return nothing;
  }
  if (typeof value !== 'object' || value === null) return nothing;
  const table = value as Readonly<Record<string, unknown>>;
  const named = new Map<string, readonly string[]>();
  const defaults = addresses(table['default_channels']);
  if (defaults.length > 0) named.set('defaults', defaults);
  for (const [name, list] of Object.entries(record(table['custom_multichannels']))) named.set(name, addresses(list));
  for (const [name, address] of Object.entries(record(table['custom_channels']))) {
    const [base] = addresses([address]);
    if (base !== undefined) named.set(name, [`${base}/${name}`]);
  }
  const [alias] = addresses([table['channel_alias']]);
  const mirrors = new Map(
    Object.entries(record(table['mirrored_channels'])).flatMap(([name, list]) => {
      const [first] = addresses(list);
      return first === undefined ? [] : [[name, first] as const];
    }),
  );
  return {
    channels: texts(table['channels']).map(cutChannel),
    ...(alias === undefined ? {} : { alias }),
    named,
    caches: texts(table['pkgs_dirs'])
      .map((one) => (one.startsWith('~/') ? join(homedir(), one.slice(2)) : one))
      .filter((one) => one.startsWith('/')),
    mirrors,
  };
}

/** The addresses that a channel's word in a spec stands for; empty where the configuration does not know it. */
export function channelAddresses(word: string, client: ClientConfig): readonly string[] {
  if (isFetchable(word)) return [cutChannel(word)];
  const named = client.named.get(word);
  if (named !== undefined) return named;
  return client.alias === undefined || word.includes(':') ? [] : [`${client.alias}/${word}`];
}

function parseOwn(settings: Readonly<Record<string, unknown>>): ClientConfig {
  const [alias] = addresses([settings['alias']]);
  return {
    channels: texts(settings['channels']).map(cutChannel),
    ...(alias === undefined ? {} : { alias }),
    named: new Map(),
    caches: texts(settings['caches']).filter((one) => one.startsWith('/')),
    mirrors: new Map(
      Object.entries(record(settings['mirrors'])).flatMap(([from, to]) =>
        typeof to === 'string' && isFetchable(to) ? [[cutChannel(from), to.replace(/\/+$/, '')] as const] : [],
      ),
    ),
  };
}

function addresses(value: unknown): readonly string[] {
  return texts(value).filter(isFetchable).map(cutChannel);
}

function texts(value: unknown): readonly string[] {
  const list = Array.isArray(value) ? value : [value];
  return list.filter((one): one is string => typeof one === 'string' && one !== '');
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}
