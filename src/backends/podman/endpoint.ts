import { accessSync, constants, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { parse as parseToml } from 'smol-toml';

import { UserError } from '../../model/index.ts';
import { parseEndpoint, type Dial, type Endpoint } from '../../toolkits/engine/endpoint.ts';
import { dialPodman } from '../../toolkits/engine/podman-dial.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const machine = '/run/podman/podman.sock';
const dial: Dial = (socket) =>
  socket === undefined ? dialPodman() : ['podman', '--url', `unix://${socket}`, 'system', 'dial-stdio'];

/**
 * Where podman listens: as named, `CONTAINER_HOST`, the connection that `podman system connection` has made the default
 * (or `CONTAINER_CONNECTION` names), the user's own socket, the machine's. See podman(1) and podman-system-service(1).
 */
export function findEndpoint(
  named: string | undefined,
  environment: Environment = process.env,
  uid = process.getuid?.() ?? 0,
): Endpoint {
  const address = named ?? nonEmpty(environment['CONTAINER_HOST']);
  if (address !== undefined) return parse(address, nonEmpty(environment['CONTAINER_SSHKEY']));
  const connection = defaultConnection(environment);
  if (connection !== undefined) return parse(connection.uri, connection.identity);
  const own = ownSocket(environment, uid);
  return parse(`unix://${!isUsable(own) && isUsable(machine) ? machine : own}`, undefined);
}

/** Where the user's own podman listens if it does, also where it does not. */
export function ownSocket(environment: Environment, uid: number): string {
  if (uid === 0) return machine;
  return join(nonEmpty(environment['XDG_RUNTIME_DIR']) ?? `/run/user/${uid}`, 'podman/podman.sock');
}

function parse(address: string, identity: string | undefined): Endpoint {
  return parseEndpoint(address, { called: 'podman', dial, ...(identity !== undefined && { identity }) });
}

interface Connection {
  readonly uri: string;
  readonly identity: string | undefined;
}

/** From `podman-connections.json` (podman 5) or `containers.conf`; undefined where none is the default. */
function defaultConnection(environment: Environment): Connection | undefined {
  const home = nonEmpty(environment['HOME']) ?? homedir();
  const folder = join(nonEmpty(environment['XDG_CONFIG_HOME']) ?? join(home, '.config'), 'containers');
  const wanted = nonEmpty(environment['CONTAINER_CONNECTION']);
  const json = nonEmpty(environment['PODMAN_CONNECTIONS_CONF']) ?? join(folder, 'podman-connections.json');
  const newer = field(readAs(JSON.parse, json), 'Connection');
  const files = [join(folder, 'containers.conf'), '/etc/containers/containers.conf'];
  const named = nonEmpty(environment['CONTAINERS_CONF']);
  const engines = (named === undefined ? files : [named]).map((file) => field(readAs(parseToml, file), 'engine'));
  const name =
    wanted ?? text(field(newer, 'Default')) ?? engines.map((one) => text(field(one, 'active_service'))).find(Boolean);
  if (name === undefined) return undefined;
  const found = [
    field(field(newer, 'Connections'), name),
    ...engines.map((one) => field(field(one, 'service_destinations'), name)),
  ].find((one) => one !== undefined);
  const uri = text(field(found, 'URI')) ?? text(field(found, 'uri'));
  if (uri === undefined) {
    throw new UserError(`podman has no connection ${name}`, {
      hint: 'podman system connection list shows those that there are',
      status: 4,
    });
  }
  return { uri, identity: text(field(found, 'Identity')) ?? text(field(found, 'identity')) };
}

function readAs(read: (content: string) => unknown, file: string): unknown {
  try {
    return read(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // not there, or not podman's: then it names nothing
  }
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? nonEmpty(value) : undefined;
}

function isUsable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
