import { byBytes, type Note } from '../../model/index.ts';
import { decodeEscapes } from './escapes.ts';

/** A socket's address as strace prints it: a path, `@name` for one without a file, or `ADDRESS:PORT`. */
export function socketAddress(printed: string): { readonly text: string; readonly path?: string } | undefined {
  const unix = /sun_path=(@?)"((?:[^"\\]|\\.)*)"/s.exec(printed);
  if (unix !== null) {
    const name = decodeEscapes(unix[2] ?? '');
    return unix[1] === '@' ? { text: `@${name}` } : { text: name, path: name };
  }
  const port = /sin6?_port=htons\(([0-9]+)\)/.exec(printed)?.[1];
  const v4 = /inet_addr\("([^"]+)"\)/.exec(printed)?.[1];
  if (v4 !== undefined) return { text: `${v4}:${port}` };
  const v6 = /inet_pton\(AF_INET6, "([^"]+)"/.exec(printed)?.[1];
  return v6 === undefined ? undefined : { text: `[${v6}]:${port}` };
}

const daemons: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\/docker\.sock$/, 'docker'],
  [/\/podman\.sock$/, 'podman'],
  [/\/containerd\.sock$/, 'containerd'],
  [/\/dbus\/|\/bus$|dbus-/, 'the message bus (D-Bus)'],
  [/\/systemd\/(?:journal|userdb|resolve|notify|private)|\/systemd\/private$|\/dev\/log$/, 'systemd'],
  [/\/nscd\/socket$/, 'nscd, the name service'],
  [/ssh-[^/]*\/agent\.|S\.gpg-agent\.ssh$|\/ssh-agent/, 'ssh-agent'],
  [/S\.(?:gpg-agent|scdaemon|keyboxd)/, 'gpg-agent'],
  [/X11-unix\/|wayland-/, 'the display'],
  [/\/pulse\/|pipewire-/, 'the sound server'],
  [/postgresql\/|\.s\.PGSQL\./, 'PostgreSQL'],
  [/mysqld?\.sock$/, 'MySQL'],
];

/** What is said about the sockets that were talked to, less those at which the run itself listens. */
export function socketNotes(sockets: ReadonlySet<string>, own: ReadonlySet<string>): Note[] {
  return [...sockets]
    .filter((socket) => !own.has(socket) && (socket.startsWith('/') || socket.startsWith('@')))
    .sort(byBytes)
    .map((path) => {
      const name = daemons.find(([pattern]) => pattern.test(path))?.[1];
      const whom = name === undefined ? 'a program that listens there' : name;
      return { kind: 'service', text: `${whom} was asked at ${path}: what it did is not in the trace`, path } as const;
    });
}
