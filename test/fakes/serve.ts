import { createReadStream, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join, posix } from 'node:path';

/** A server of a folder on the loopback, and what it was asked. */
export interface Served extends AsyncDisposable {
  readonly url: string;
  readonly requests: string[];
  /** How many connections were open at the same time, at most; those that end at once do not count. */
  readonly most: () => number;
}

/** Serves a folder, ranges included. `answer` may answer a request itself, by returning true. */
export async function serve(
  folder: string,
  answer: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean> = () => false,
): Promise<Served> {
  const requests: string[] = [];
  let [open, most] = [0, 0];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    void Promise.resolve(answer(request, response)).then((answered) => {
      if (!answered) sendFile(folder, request, response);
    });
  });
  server.on('connection', (socket: Socket) => {
    open += 1;
    socket.once('close', () => (open -= 1));
    // of two events at one time, an end may be told after a beginning
    setTimeout(() => (most = Math.max(most, open)), 20).unref();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    most: () => most,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function sendFile(folder: string, request: IncomingMessage, response: ServerResponse): void {
  const path = posix.normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname));
  const file = join(folder, path);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isFile() !== true) {
    response.writeHead(404).end();
    return;
  }
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const range = start > 0 ? { 'content-range': `bytes ${start}-${found.size - 1}/${found.size}` } : {};
  response.writeHead(start > 0 ? 206 : 200, { 'content-length': found.size - start, ...range });
  createReadStream(file, { start }).pipe(response);
}
