import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Logins of whoever runs us, by origin: from addresses of their own clients' configuration. In memory only: they are
 * sent to that origin, and never written down or said.
 */
const own = new Map<string, { readonly user: string; readonly password: string }>();

/** Remembers the login in an address of the user's own configuration; without one, nothing happens. */
export function rememberLogin(address: string): void {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username === '') return;
  own.set(url.origin, { user: decoded(url.username), password: decoded(url.password) });
}

/** An address of an origin that a login is remembered for, with it; only for a client's own configuration. */
export function withLogin(address: string): string {
  const url = URL.parse(address);
  const login = url === null ? undefined : own.get(url.origin);
  if (url === null || login === undefined) return address;
  url.username = login.user;
  url.password = login.password;
  return url.href;
}

/** What goes into `Authorization` for an address; `~/.netrc` is asked where nobody can listen. */
export function authorizationFor(url: URL, isSafe: boolean): string | undefined {
  const login = own.get(url.origin) ?? (isSafe ? readNetrc().get(url.hostname) : undefined);
  if (login === undefined) return undefined;
  return `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`;
}

let netrc: ReturnType<typeof parseNetrc> | undefined;

function readNetrc(): ReturnType<typeof parseNetrc> {
  if (netrc === undefined) {
    try {
      netrc = parseNetrc(readFileSync(process.env['NETRC'] ?? join(homedir(), '.netrc'), 'utf8'));
    } catch {
      netrc = new Map();
    }
  }
  return netrc;
}

/** Logins by host (netrc(5)); macros and the one for all hosts are not for us. */
export function parseNetrc(text: string): ReadonlyMap<string, { readonly user: string; readonly password: string }> {
  const found = new Map<string, { user: string; password: string }>();
  let entry: { user: string; password: string } | undefined;
  const words = text.replace(/^\s*#.*$|^\s*macdef[^]*?(?:\n\n|$(?![^]))/gm, '').match(/"[^"]*"|\S+/g) ?? [];
  for (const [index, word] of words.entries()) {
    const value = (words[index + 1] ?? '').replace(/^"(.*)"$/, '$1');
    if (word === 'machine') found.set(value, (entry = { user: '', password: '' }));
    else if (word === 'default') entry = undefined;
    else if (word === 'login' && entry !== undefined) entry.user = value;
    else if (word === 'password' && entry !== undefined) entry.password = value;
  }
  return found;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
