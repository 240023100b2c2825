import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { UserError } from '../model/index.ts';
import { authorizationFor } from './logins.ts';
import { request } from './request.ts';

export interface GetOptions {
  readonly signal: AbortSignal;
  /** Bytes that are there already: the rest is asked for (`Range`). */
  readonly from?: number;
  /** The last byte that is wanted, where not all to the end is; a server may send more all the same. */
  readonly to?: number;
  /** The media types that are wanted (`Accept`). */
  readonly accept?: string;
  /** Tries in all when the server is busy or the line breaks. Default 4. */
  readonly tries?: number;
}

/**
 * GET of an http(s) address, with redirects followed by hand: they may not lead from a public address into a private
 * network (what a stranger's file names must not reach this machine's neighbours). Busy servers are asked again after
 * what `Retry-After` says, at most a minute. Throws UserError for anything but 200 and 206.
 */
export async function get(address: string, options: GetOptions): Promise<Response> {
  const tries = options.tries ?? 4;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const response = await follow(address, options);
      if (response.ok) return response;
      await response.body?.cancel();
      if (attempt === tries || !isBusy(response.status))
        throw new UserError(`${response.status} ${response.statusText}`.trim());
      await sleep(waitFor(response, attempt), undefined, { signal: options.signal });
    } catch (error) {
      options.signal.throwIfAborted();
      if (error instanceof UserError || attempt === tries || isFinal(error)) throw asUserError(error);
      await sleep(250 * 2 ** attempt, undefined, { signal: options.signal });
    }
  }
}

async function follow(address: string, { signal, from, to, accept }: GetOptions): Promise<Response> {
  const start = new URL(address);
  const mayBePrivate = await isPrivate(start.hostname);
  let at = start;
  for (let hops = 0; hops < 6; hops += 1) {
    if (!/^https?:$/.test(at.protocol)) throw new UserError(`refused: ${at.protocol} is not http or https`);
    if (hops > 0 && !mayBePrivate && (await isPrivate(at.hostname))) {
      throw new UserError(`refused: ${start.host} leads into a private network (${at.host})`);
    }
    const headers: Record<string, string> = { 'user-agent': 'repronim', 'accept-encoding': 'identity' };
    if (accept !== undefined) headers['accept'] = accept;
    if ((from !== undefined && from > 0) || to !== undefined) headers['range'] = `bytes=${from ?? 0}-${to ?? ''}`;
    const isSafe = at.protocol === 'https:' || (await isPrivate(at.hostname));
    const login = authorizationFor(at, isSafe);
    if (login !== undefined) headers['authorization'] = login;
    const response = await request(at, { signal, headers });
    const location = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || location === null) return response;
    await response.body?.cancel();
    at = new URL(location, at);
  }
  throw new UserError('refused: more than five redirects');
}

const privateNetworks = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  privateNetworks.addSubnet(network, prefix, 'ipv4');
}
privateNetworks.addSubnet('::1', 128, 'ipv6');
privateNetworks.addSubnet('fc00::', 7, 'ipv6');
privateNetworks.addSubnet('fe80::', 10, 'ipv6');

async function isPrivate(host: string): Promise<boolean> {
  const bare = host.replace(/^\[|\]$/g, '');
  const addresses = isIP(bare) > 0 ? [bare] : await addressesOf(bare);
  return addresses.some((address) => privateNetworks.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'));
}

/** Asked once for each name: a name server that is asked hundreds of times a second drops some, and each costs 5 s. */
async function addressesOf(name: string): Promise<readonly string[]> {
  const known = addresses.get(name);
  if (known !== undefined) return await known;
  const asked = lookup(name, { all: true }).then(
    (found) => found.map(({ address }) => address),
    () => {
      addresses.delete(name);
      return [];
    },
  );
  addresses.set(name, asked);
  return await asked;
}

const addresses = new Map<string, Promise<readonly string[]>>();

/** A name that nobody knows is not known a second later either. */
function isFinal(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOTFOUND';
}

function isBusy(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

function waitFor(response: Response, attempt: number): number {
  // seconds, or a date (RFC 9110 §10.2.3)
  const said = response.headers.get('retry-after') ?? '';
  const asked = /^\d+$/.test(said) ? Number(said) * 1000 : Date.parse(said) - Date.now();
  return Math.min(asked > 0 ? asked : 500 * 2 ** attempt, 60_000);
}

function asUserError(error: unknown): UserError {
  if (error instanceof UserError) return error;
  // of several addresses of one name, each has its own reason
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  return new UserError(first instanceof Error ? first.message || first.name : String(first), { cause: error });
}
