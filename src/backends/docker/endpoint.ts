import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { UserError } from '../../model/index.ts';
import { parseEndpoint, type Dial, type Endpoint } from '../../toolkits/engine/endpoint.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const standard = 'unix:///var/run/docker.sock';
const called = 'a docker daemon';
const dial: Dial = (socket) => [
  'docker',
  ...(socket === undefined ? [] : ['--host', `unix://${socket}`]),
  'system',
  'dial-stdio',
];

/**
 * The daemon that docker's own client would take: the one that is named, `DOCKER_HOST`, the context
 * (`DOCKER_CONTEXT`, or the current one of `config.json`), the user's own daemon, the machine's.
 * See https://docs.docker.com/engine/manage-resources/contexts/.
 */
export function findEndpoint(named: string | undefined, environment: Environment = process.env): Endpoint {
  const address = named ?? nonEmpty(environment['DOCKER_HOST']);
  if (address !== undefined) return parse(address, environmentTls(environment));
  const folder = nonEmpty(environment['DOCKER_CONFIG']) ?? join(homedir(), '.docker');
  const context = nonEmpty(environment['DOCKER_CONTEXT']) ?? currentContext(folder);
  if (context !== undefined && context !== 'default') return contextEndpoint(folder, context);
  const own = join(nonEmpty(environment['XDG_RUNTIME_DIR']) ?? '/nonexistent', 'docker.sock');
  return parse(!existsSync('/var/run/docker.sock') && existsSync(own) ? `unix://${own}` : standard, undefined);
}

function parse(address: string, tls: Endpoint['tls']): Endpoint {
  return parseEndpoint(address, { called, dial, ...(tls !== undefined && { tls }) });
}

function environmentTls(environment: Environment): Endpoint['tls'] {
  const folder = nonEmpty(environment['DOCKER_CERT_PATH']);
  const verify = nonEmpty(environment['DOCKER_TLS_VERIFY']) !== undefined;
  if (!verify && nonEmpty(environment['DOCKER_TLS']) === undefined) return undefined;
  return { verify, ...certificates(folder ?? join(homedir(), '.docker')) };
}

function contextEndpoint(folder: string, context: string): Endpoint {
  const id = createHash('sha256').update(context).digest('hex');
  const file = join(folder, 'contexts', 'meta', id, 'meta.json');
  const endpoint = field(field(readJson(file), 'Endpoints'), 'docker');
  const address = field(endpoint, 'Host');
  if (typeof address !== 'string' || address === '') {
    throw new UserError(`docker has no context ${context}, or it names no daemon (${file})`, {
      hint: 'docker context ls lists those that there are; DOCKER_CONTEXT=default takes the standard one',
      status: 4,
    });
  }
  const given = certificates(join(folder, 'contexts', 'tls', id, 'docker'));
  const hasTls = given.ca !== undefined || given.cert !== undefined;
  const tls = hasTls ? { verify: field(endpoint, 'SkipTLSVerify') !== true, ...given } : undefined;
  return parse(address, tls);
}

function currentContext(folder: string): string | undefined {
  const name = field(readJson(join(folder, 'config.json')), 'currentContext');
  return typeof name === 'string' ? nonEmpty(name) : undefined;
}

function certificates(folder: string): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  const found: Record<string, Buffer> = {};
  for (const name of ['ca', 'cert', 'key']) {
    const file = join(folder, `${name}.pem`);
    if (existsSync(file)) found[name] = readFileSync(file);
  }
  return found;
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // not there, or not docker's: then it names nothing
  }
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
