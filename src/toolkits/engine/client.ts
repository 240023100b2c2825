import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';

import { UserError } from '../../model/index.ts';
import { connectProcess } from '../../sessions/duplex.ts';
import { connectionTo, type Connection } from '../../sessions/ssh/connection.ts';
import type { Endpoint } from './endpoint.ts';
import type { EngineKind } from './kind.ts';

/** What an engine refused; `code` is the HTTP status. */
export class EngineError extends UserError {
  readonly code: number;
  constructor(code: number, message: string, { label, kind }: Pick<Engine, 'label' | 'kind'>) {
    const hint = kind.explain?.(message);
    super(`${label} says: ${message}`, hint === undefined ? {} : { hint, status: 4 });
    this.name = 'EngineError';
    this.code = code;
  }
}

export interface CallOptions {
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it comes. */
  readonly body?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
}

/** An engine that answers. Paths are those of the Engine API, without the version. */
export interface Engine {
  readonly kind: EngineKind;
  readonly endpoint: Endpoint;
  readonly address: string;
  /** As messages name it: `the docker daemon at unix:///run/docker.sock`. */
  readonly label: string;
  /** As `Server` has it: `Docker/20.10.24`, `Libpod/4.3.1`. */
  readonly server: string;
  /** The version of the API that is spoken. */
  readonly api: string;
  /** The answer as JSON, `undefined` where it is empty. Throws EngineError for a status of 400 and above. */
  call(method: string, path: string, options?: CallOptions): Promise<unknown>;
  /** The answer as it comes. */
  stream(method: string, path: string, options?: CallOptions): Promise<IncomingMessage>;
  /** A connection that is handed over: both ways, until the other side closes. */
  hijack(path: string, json: unknown, signal?: AbortSignal): Promise<Duplex>;
}

const pingPath = '/_ping';
/** Of Docker 20.10, and of podman 4. */
const oldestApi = [1, 41] as const;

/** Milliseconds after which an engine that says nothing is asked whether it is there, and in which it has to say so. */
const patience = 30_000;

/**
 * Finds the engine and asks it for its version. Throws UserError (status 4) where none answers, with what to do.
 * See https://docs.docker.com/reference/api/engine/.
 */
export async function connectEngine(
  kind: EngineKind,
  named: string | undefined,
  signal?: AbortSignal,
  wait = patience,
): Promise<Engine> {
  const found = kind.find(named);
  const label = `${kind.called} at ${found.address}`;
  const { pong, target } = await ping({ kind, endpoint: found, label, patience: wait }, signal);
  const { endpoint } = target;
  pong.resume();
  const api = String(pong.headers['api-version'] ?? '');
  const server = String(pong.headers['server'] ?? '').split(' ')[0] ?? '';
  const [major = 0, minor = 0] = api.split('.').map(Number);
  if ((pong.statusCode ?? 500) >= 400 || major !== oldestApi[0] || !(minor >= oldestApi[1])) {
    throw new UserError(`what answers at ${endpoint.address} is not ${kind.called}, or too old (API ${api})`, {
      hint: `API ${oldestApi.join('.')} is needed: ${kind.oldest} or newer`,
      status: 4,
    });
  }
  const versioned = (path: string) => `/v${api}${path}`;
  const stream: Engine['stream'] = async (method, path, options = {}) => {
    const response = await send(target, method, versioned(path), options);
    if ((response.statusCode ?? 500) >= 400) {
      throw new EngineError(response.statusCode ?? 500, messageOf(await readAll(response)), target);
    }
    const pieces = response[Symbol.asyncIterator].bind(response);
    response[Symbol.asyncIterator] = () => explained(pieces(), target);
    return response;
  };
  return {
    kind,
    endpoint,
    address: endpoint.address,
    label,
    server,
    api,
    stream,
    async call(method, path, options) {
      const text = (await readAll(await stream(method, path, options))).toString('utf8');
      return text.trim() === '' ? undefined : JSON.parse(text);
    },
    async hijack(path, json, signal) {
      return await takeOver(target, versioned(path), json, signal);
    },
  };
}

/** The lines of JSON that a long operation reports; throws EngineError for the one that is an error. */
export async function* readReports(response: IncomingMessage, engine: Engine): AsyncIterable<Record<string, unknown>> {
  let rest = '';
  response.setEncoding('utf8');
  for await (const piece of response) {
    const lines = (rest + String(piece)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield report(line, engine);
  }
  if (rest.trim() !== '') yield report(rest, engine);
}

function report(line: string, engine: Engine): Record<string, unknown> {
  const read = JSON.parse(line) as Record<string, unknown>;
  if (typeof read['error'] === 'string') throw new EngineError(500, read['error'], engine);
  return read;
}

async function ping(
  target: Target,
  signal: AbortSignal | undefined,
): Promise<{ pong: IncomingMessage; target: Target }> {
  try {
    return { pong: await send(target, 'GET', pingPath, { signal }), target };
  } catch (error) {
    if (!(error instanceof NobodyAnswers)) throw error;
    const endpoint = await target.kind.serve?.(target.endpoint, signal);
    if (endpoint === undefined) throw error;
    const served = { ...target, endpoint };
    return { pong: await send(served, 'GET', pingPath, { signal }), target: served };
  }
}

class NobodyAnswers extends UserError {}

type Target = Pick<Engine, 'kind' | 'endpoint' | 'label'> & { readonly patience: number };

async function send(target: Target, method: string, path: string, options: CallOptions): Promise<IncomingMessage> {
  options.signal?.throwIfAborted();
  const content = options.json === undefined ? undefined : Buffer.from(JSON.stringify(options.json));
  await reach(target.endpoint);
  const request = open(target.endpoint, method, path + queryOf(options.query), {
    ...(content !== undefined && { 'Content-Type': 'application/json', 'Content-Length': content.length }),
    ...(options.body !== undefined && { 'Content-Type': 'application/x-tar', 'Transfer-Encoding': 'chunked' }),
  });
  const abort = () => request.destroy(options.signal?.reason as Error);
  options.signal?.addEventListener('abort', abort, { once: true });
  request.once('close', () => options.signal?.removeEventListener('abort', abort));
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  watch(request, target, path);
  request.on('response', resolve);
  request.on('error', (error) => reject(explain(error, target)));
  if (options.body === undefined) request.end(content);
  else
    pump(options.body, request).catch((error: Error) => {
      request.destroy();
      reject(error);
    });
  return await promise;
}

async function takeOver(target: Target, path: string, json: unknown, signal?: AbortSignal): Promise<Duplex> {
  signal?.throwIfAborted();
  const content = Buffer.from(JSON.stringify(json));
  await reach(target.endpoint);
  const request = open(target.endpoint, 'POST', path, {
    'Content-Type': 'application/json',
    'Content-Length': content.length,
    Connection: 'Upgrade',
    Upgrade: 'tcp',
  });
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const heard = watch(request, target, path);
  request.on('upgrade', (_response, socket, head) => {
    heard(); // a program may say nothing for days
    socket.unshift(head);
    resolve(socket);
  });
  request.on('response', (response) => {
    readAll(response).then(
      (body) => reject(new EngineError(response.statusCode ?? 500, messageOf(body), target)),
      reject,
    );
  });
  request.on('error', (error) => reject(explain(error, target)));
  request.end(content);
  return await promise;
}

/**
 * Nothing is waited for without an end, and nothing that takes long is broken off: as long as a request goes on, the
 * engine is asked now and then whether it is there. One that hangs answers neither. Returns what ends that.
 */
function watch(request: ClientRequest, target: Target, path: string): () => void {
  const giveUp = () => {
    const hint = 'it hangs, or its machine is overloaded: its log says why; start it again, then do the same once more';
    request.destroy(new UserError(`${target.label} does not answer`, { hint, status: 4 }));
  };
  const isThere = async () => (await send(target, 'GET', pingPath, {})).resume();
  const timer =
    path === pingPath
      ? setTimeout(giveUp, target.patience)
      : setInterval(() => void isThere().catch(giveUp), target.patience);
  const end = () => clearTimeout(timer);
  request.once('close', end);
  return end;
}

async function* explained(pieces: AsyncIterable<Buffer>, target: Target): AsyncGenerator<Buffer, undefined> {
  try {
    yield* pieces;
  } catch (error) {
    throw explain(error as Error, target);
  }
}

function open(
  endpoint: Endpoint,
  method: string,
  path: string,
  headers: Readonly<Record<string, string | number>>,
): ClientRequest {
  const all = { method, path, headers: { Host: 'docker', ...headers } };
  const { over } = endpoint;
  if (over !== undefined) {
    return httpRequest({ ...all, createConnection: () => connectProcess(connectionOf(over).argv(over.line)) });
  }
  // one connection a request: the daemon closes idle ones when it likes
  const common = { ...all, agent: false as const };
  if (endpoint.socketPath !== undefined) return httpRequest({ ...common, socketPath: endpoint.socketPath });
  const at = { ...common, host: endpoint.host, port: endpoint.port };
  if (endpoint.tls === undefined) return httpRequest(at);
  const { verify, ...certificates } = endpoint.tls;
  return httpsRequest({ ...at, ...certificates, rejectUnauthorized: verify });
}

/** Connections to other machines, each made once. */
const connections = new Map<string, Connection>();

function connectionOf({ host, config, identity }: NonNullable<Endpoint['over']>): Connection {
  const key = JSON.stringify([host, config]);
  const known = connections.get(key) ?? connectionTo(host, config, identity);
  connections.set(key, known);
  return known;
}

async function reach({ over }: Endpoint): Promise<void> {
  if (over !== undefined) await connectionOf(over).ensure();
}

/** What is ready to be sent while the next piece is made: the daemon, which is the slower one, never waits. */
const readyBytes = 2 * 1024 * 1024;

async function pump(body: AsyncIterable<Uint8Array>, request: ClientRequest): Promise<void> {
  let closed = false;
  let pending = 0;
  let goOn = () => {};
  request.once('close', () => {
    closed = true;
    goOn();
  });
  for await (const chunk of body) {
    pending += chunk.length;
    request.write(chunk, () => {
      pending -= chunk.length;
      goOn();
    });
    while (!closed && pending > readyBytes) await new Promise<void>((resolve) => (goOn = resolve));
    if (closed) return; // the daemon has said why in its answer
  }
  request.end();
}

function explain(error: Error, { kind, endpoint, label }: Target): Error {
  const code = (error as NodeJS.ErrnoException).code;
  if (endpoint.over !== undefined && error instanceof UserError) {
    const by = `see that it works there by hand: ssh ${endpoint.over.host} ${kind.name} info`;
    const said = error.details?.at(-1);
    return new UserError(
      `${kind.called} does not answer at ${endpoint.address}${said === undefined ? '' : `: ${said}`}`,
      {
        hint: by,
        status: 4,
        cause: error,
      },
    );
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new UserError(`you may not speak to ${label}`, { hint: kind.hints.denied, status: 4, cause: error });
  }
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EHOSTUNREACH') {
    return new NobodyAnswers(`no daemon answers at ${endpoint.address}`, {
      hint: kind.hints.none,
      status: 4,
      cause: error,
    });
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return new UserError(`${label} broke off the connection`, {
      hint: 'its log says why; try again when it is up',
      cause: error,
    });
  }
  return error;
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of response) {
    pieces.push(piece as Buffer);
    size += (piece as Buffer).length;
    if (size > 256 * 1024 * 1024) throw new UserError('the engine answered with more than 256 MiB');
  }
  return Buffer.concat(pieces);
}

function messageOf(body: Buffer): string {
  const text = body.toString('utf8').trim();
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string') return message;
  } catch {
    // not JSON: then it is the message
  }
  return text === '' ? 'no' : text.slice(0, 2000);
}

function queryOf(query: CallOptions['query']): string {
  const pairs = Object.entries(query ?? {}).filter((pair): pair is [string, string | number] => pair[1] !== undefined);
  if (pairs.length === 0) return '';
  return `?${pairs.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&')}`;
}
