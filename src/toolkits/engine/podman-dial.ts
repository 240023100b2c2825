import type { Argv } from '../../model/index.ts';

/**
 * What is run on another machine to speak to podman there on standard streams: to its service where that listens, else
 * to one that is started at `socket` (default: in our folder there) and ends half a minute after the last word.
 */
export function dialPodman(socket = ''): Argv {
  return ['/bin/sh', '-c', script, 'sh', socket];
}

/** On one line, and without `!`: csh may be the shell that reads it first. */
const script = [
  'command -v podman >/dev/null || { echo podman: not found >&2; exit 127; };',
  'own=/run/podman/podman.sock;',
  '[ "$(id -u)" = 0 ] || own=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/podman/podman.sock;',
  'made=${1:-$HOME/.local/share/repronim/remote/podman.sock};',
  'umask 077; mkdir -p "${made%/*}";',
  'for socket in "$own" "$made"; do',
  '[ -S "$socket" ] && podman --url "unix://$socket" system dial-stdio 2>/dev/null && exit 0;',
  'done;',
  'rm -f "$made";',
  'nohup podman system service --time=30 "unix://$made" </dev/null >/dev/null 2>&1 &',
  'tries=0;',
  'until [ -S "$made" ] || [ "$tries" -ge 100 ]; do',
  'sleep 0.1 2>/dev/null || sleep 1; tries=$((tries + 1));',
  'done;',
  'exec podman --url "unix://$made" system dial-stdio',
].join(' ');
