import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import { UserError } from '../../model/index.ts';
import { EngineError, type Engine } from './client.ts';
import { inspectContainer } from './container.ts';
import { commandOf, killCommand, path, type Executing, type Streamed } from './command.ts';

/** Runs a program in a running container. See https://docs.docker.com/reference/api/engine/#tag/Exec. */
export async function execute(engine: Engine, container: string, what: Streamed): Promise<Executing> {
  const { tty = false } = what;
  const { argv, user, cwd } = commandOf(what, 'stderr');
  const created = (await engine.call('POST', `/containers/${container}/exec`, {
    json: {
      AttachStdin: what.stdin,
      AttachStdout: true,
      AttachStderr: true,
      Tty: tty,
      Cmd: argv,
      Env: [`PATH=${path}`],
      User: user,
      WorkingDir: cwd,
    },
  })) as { readonly Id: string };
  const socket = await engine.hijack(`/exec/${created.Id}/start`, { Detach: false, Tty: tty });
  const { promise: number, resolve: setNumber } = Promise.withResolvers<string | undefined>();
  const head = headReader(setNumber);
  const handed = (async () => {
    for await (const { stream, piece } of tty ? whole(socket) : frames(socket)) {
      const rest = stream === 'stderr' || tty ? head(piece) : piece;
      if (rest.length === 0) continue;
      await (stream === 'stderr' ? what.onStderr(rest) : what.onStdout(rest));
    }
    setNumber(undefined);
  })();
  return {
    input: socket,
    status: handed.then(() => statusOf(engine, container, created.Id)),
    async signal(name) {
      const pid = await Promise.race([number, sleep(5000, undefined, { ref: false })]);
      if (pid !== undefined) await kill(engine, container, name, pid);
    },
    async resize(columns, rows) {
      await engine.call('POST', `/exec/${created.Id}/resize`, { query: { h: rows, w: columns } }).catch(() => {});
    },
  };
}

async function kill(engine: Engine, container: string, name: string, pid: string): Promise<void> {
  try {
    const created = (await engine.call('POST', `/containers/${container}/exec`, {
      json: { Cmd: killCommand(name, pid), Env: [`PATH=${path}`], User: '0:0' },
    })) as { readonly Id: string };
    await engine.call('POST', `/exec/${created.Id}/start`, { json: { Detach: true } });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error; // the container is down, and the program with it
  }
}

/** Whether a program that was begun is running still; one that the engine has forgotten is not. */
export async function isExecuting(engine: Engine, id: string): Promise<boolean> {
  try {
    return ((await engine.call('GET', `/exec/${id}/json`)) as { readonly Running: boolean }).Running;
  } catch (error) {
    if (error instanceof EngineError && error.code === 404) return false;
    throw error;
  }
}

async function statusOf(engine: Engine, container: string, id: string): Promise<number> {
  const since = performance.now();
  for (let wait = 1; ; wait = Math.min(wait * 2, 100)) {
    const seen = (await engine.call('GET', `/exec/${id}/json`)) as { Running: boolean; ExitCode: number | null };
    if (!seen.Running && seen.ExitCode !== null) return seen.ExitCode;
    await sleep(wait); // the streams end a little before the daemon has noticed
    if (performance.now() - since < noticing) continue;
    // it may have closed its streams and go on; but where nothing runs any more, its end was lost
    const isUp = (await inspectContainer(engine, container))?.State.Running === true;
    if (!seen.Running || !isUp) throw new UserError(`${engine.label} does not know how the program ended`);
  }
}

/** How long an engine may take to notice that a program has ended, in milliseconds. */
const noticing = 15_000;

/** Takes the line with the process's number from the front of a stream, if it has one. */
function headReader(found: (number: string | undefined) => void): (piece: Buffer) => Buffer {
  let head: Buffer | undefined = Buffer.alloc(0);
  return (piece) => {
    if (head === undefined) return piece;
    const all = Buffer.concat([head, piece]);
    const line = /^([0-9]{1,10})\r?\n/.exec(all.toString('latin1', 0, 16));
    if (line === null && all.length < 16 && /^[0-9]*\r?$/.test(all.toString('latin1'))) {
      head = all;
      return Buffer.alloc(0);
    }
    head = undefined;
    found(line?.[1]);
    return all.subarray(line?.[0].length ?? 0);
  };
}

interface Piece {
  readonly stream: 'stdout' | 'stderr';
  readonly piece: Buffer;
}

async function* whole(socket: Duplex): AsyncIterable<Piece> {
  for await (const piece of socket) yield { stream: 'stdout', piece: piece as Buffer };
}

/** Both streams over one connection: eight bytes (which stream, 0, 0, 0, length) in front of each piece. */
async function* frames(socket: Duplex): AsyncIterable<Piece> {
  let header = Buffer.alloc(0);
  let missing = 0;
  let stream: Piece['stream'] = 'stdout';
  for await (const chunk of socket) {
    let rest = chunk as Buffer;
    while (rest.length > 0) {
      if (missing === 0) {
        const taken = rest.subarray(0, 8 - header.length);
        header = Buffer.concat([header, taken]);
        rest = rest.subarray(taken.length);
        if (header.length < 8) continue;
        stream = header[0] === 2 ? 'stderr' : 'stdout';
        missing = header.readUInt32BE(4);
        header = Buffer.alloc(0);
        continue;
      }
      const piece = rest.subarray(0, missing);
      missing -= piece.length;
      rest = rest.subarray(piece.length);
      yield { stream, piece };
    }
  }
}
