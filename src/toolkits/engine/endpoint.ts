import { UserError } from '../../model/index.ts';
import { displayArgv } from '../../sessions/process.ts';
import type { Argv } from '../../model/index.ts';

/** Where an engine listens, and how it is spoken to. */
export interface Endpoint {
  /** As a person names it, and as it is recorded: `unix:///run/docker.sock`, `tcp://HOST:PORT`, `ssh://HOST`. */
  readonly address: string;
  readonly socketPath?: string;
  readonly host?: string;
  readonly port?: number;
  /** Set where TLS is spoken. */
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer; readonly verify: boolean };
  /** A program that is the connection: it speaks on its standard streams. */
  readonly program?: Argv;
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
    const program = sshProgram(address, how.dial, how.identity);
    if (program !== undefined) return { address: withoutPassword(address), program };
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

/** The system's ssh, which brings its settings, agent and jump hosts, with the other machine's dialler behind it. */
function sshProgram(address: string, dial: Dial, identity: string | undefined): Argv | undefined {
  const url = URL.parse(address);
  if (url === null || url.password !== '' || url.search !== '' || url.hash !== '') return undefined;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const [user, socket] = [decode(url.username), decode(url.pathname)];
  // words that the other machine's shell reads: nothing but plain ones
  const isPlain = (word: string) => /^[\w.@:%+/-]*$/.test(word) && !word.startsWith('-');
  if (host === '' || ![host, user, socket].every(isPlain)) return undefined;
  return [
    'ssh',
    '-T',
    ...['-o', 'ConnectTimeout=30'],
    ...(user === '' ? [] : ['-l', user]),
    ...(url.port === '' ? [] : ['-p', url.port]),
    ...(identity === undefined ? [] : ['-i', identity]),
    '--',
    host,
    displayArgv(dial(socket === '' || socket === '/' ? undefined : socket)),
  ];
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
