import { sh } from '../../formats/render/quote.ts';
import { UserError, type Argv } from '../../model/index.ts';

/** Where an engine listens, and how it is spoken to. */
export interface Endpoint {
  /** As a person names it, and as it is recorded: `unix:///run/docker.sock`, `tcp://HOST:PORT`, `ssh://HOST`. */
  readonly address: string;
  readonly socketPath?: string;
  readonly host?: string;
  readonly port?: number;
  /** Set where TLS is spoken. */
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer; readonly verify: boolean };
  /** A line of the shell of another machine, which speaks to the engine there on its standard streams. */
  readonly over?: {
    readonly host: string;
    readonly line: string;
    readonly identity?: string;
    /** Another configuration of ssh than the user's own. */
    readonly config?: string;
  };
}

/** What is tried on the other machine of `ssh://HOST/SOCKET`: the argv that speaks to the engine's socket there. */
export type Dial = (socket: string | undefined) => Argv;

/**
 * `unix:///PATH` (or the path alone), `tcp://HOST:PORT`, `ssh://[USER@]HOST[:PORT][/SOCKET]`. Throws UserError 4 for
 * any other address.
 */
export function parseEndpoint(
  address: string,
  how: { readonly called: string; readonly tls?: Endpoint['tls']; readonly dial: Dial; readonly identity?: string },
): Endpoint {
  if (/^unix:\/*\/./.test(address)) return { address, socketPath: `/${address.slice(5).replace(/^\/+/, '')}` };
  if (address.startsWith('/')) return { address: `unix://${address}`, socketPath: address };
  const refused = (hint: string) =>
    new UserError(`cannot speak to ${how.called} at ${withoutPassword(address)}`, { hint, status: 4 });
  if (address.startsWith('ssh:')) {
    const over = overSsh(address, how.dial);
    if (over !== undefined) {
      return { address, over: { ...over, ...(how.identity !== undefined && { identity: how.identity }) } };
    }
    throw refused('ssh://[USER@]HOST[:PORT][/SOCKET] is known: keys and passwords are the matter of ssh and its agent');
  }
  const url = URL.parse(address.replace(/^tcp:/, 'http:'));
  if (url !== null && /^https?:$/.test(url.protocol) && url.hostname !== '') {
    const secure = url.protocol === 'https:' ? (how.tls ?? { verify: true }) : how.tls;
    return {
      address: `tcp://${url.host}`,
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(url.port === '' ? (secure === undefined ? 2375 : 2376) : url.port),
      ...(secure !== undefined && { tls: secure }),
    };
  }
  throw refused('unix:///PATH, tcp://HOST:PORT and ssh://USER@HOST are known');
}

/** The host, as ssh takes it, and what is run there; undefined for words that could be more than words. */
function overSsh(address: string, dial: Dial): { readonly host: string; readonly line: string } | undefined {
  const url = URL.parse(address);
  if (url === null || url.password !== '' || url.search !== '' || url.hash !== '') return undefined;
  const socket = decode(url.pathname);
  // ssh and the other machine's shell read them: nothing but plain ones
  const isPlain = (word: string) => /^[\w.@:%+/-]*$/.test(word) && !word.startsWith('-');
  if (url.hostname === '' || ![url.username, url.hostname.replace(/^\[(.*)\]$/, '$1'), socket].every(isPlain))
    return undefined;
  const host = `${url.username === '' ? '' : `${url.username}@`}${url.host}`;
  const line = sh`${dial(socket === '' || socket === '/' ? undefined : socket)}`;
  return { host: `ssh://${host}`, line };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '\0'; // no word of an address
  }
}

function withoutPassword(address: string): string {
  return address.replace(/\/\/([^/@:]*)(?::[^/@]*)?@/, (_whole, user: string) =>
    address.startsWith('ssh:') && user !== '' ? `//${user}@` : '//',
  );
}
