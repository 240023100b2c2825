import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';

/** So long nothing may come: of a line that is being made, and of one that is there. Milliseconds. */
const patience = { connect: 10_000, answer: 300_000 } as const;

interface Asked {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * One GET, redirects not followed; by Node's own agents, which keep connections and know the proxies of the
 * environment. Not its fetch: where a server closes the line after its answer and that is read slowly, that ends the
 * process (nodejs/undici#5360). Throws what the socket throws; the body does, where the line breaks or `signal` says so.
 */
export async function request(url: URL, asked: Asked): Promise<Response> {
  asked.signal.throwIfAborted();
  return toResponse(await answerOf(url, asked));
}

async function answerOf(url: URL, { headers, signal }: Asked): Promise<IncomingMessage> {
  const ask = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const made = ask(url, { headers, signal, timeout: patience.answer });
  try {
    return await answered(made, url.host);
  } catch (error) {
    signal.throwIfAborted();
    // a connection that was kept, and that the other side had closed by then
    if (made.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET') {
      return await answerOf(url, { headers, signal });
    }
    throw error;
  }
}

async function answered(made: ClientRequest, host: string): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      made.destroy(new Error(`${host} did not take the connection within ${patience.connect / 1000} s`));
    }, patience.connect);
    made.once('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => clearTimeout(late));
      else clearTimeout(late);
    });
    made.once('timeout', () => made.destroy(new Error(`nothing came from ${host} for ${patience.answer / 1000} s`)));
    made.once('close', () => clearTimeout(late));
    made.once('response', resolve);
    made.once('error', reject);
    made.end();
  });
}

function toResponse(incoming: IncomingMessage): Response {
  const { statusCode = 0, statusMessage = '', rawHeaders } = incoming;
  if (statusCode < 200 || statusCode > 599) {
    incoming.destroy();
    throw new Error(`an answer with status ${statusCode}`);
  }
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
  const hasNone = [204, 205, 304].includes(statusCode);
  if (hasNone) incoming.resume();
  const body = hasNone ? null : (Readable.toWeb(incoming) as ReadableStream<Uint8Array<ArrayBuffer>>);
  return new Response(body, { status: statusCode, statusText: statusMessage.replaceAll(/[^ -~]/g, '?'), headers });
}
