import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';

import { UserError, type Argv } from '../model/index.ts';
import { displayArgv } from './process.ts';

/**
 * A program of this machine as a connection: what is written goes to its standard input, what it writes is read. It
 * ends when the connection is closed, also by our death. Where it fails, the connection breaks with a UserError 4 that
 * has its last words. It gets our environment: it is the user's own client (ssh, with its agent and settings).
 */
export function connectProcess(argv: Argv): Duplex {
  const child = spawn(argv[0], argv.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  child.stdin.on('error', () => {}); // it may end before it has read all: its status says why
  const connection = new Duplex({
    read: () => void child.stdout.resume(),
    write: (piece: Buffer, _encoding, done) => void child.stdin.write(piece, () => done()),
    final: (done) => void child.stdin.end(() => done()),
    destroy(error, done) {
      child.kill();
      done(error);
    },
  });
  child.stdout.on('data', (piece: Buffer) => {
    if (!connection.push(piece)) child.stdout.pause();
  });
  const fail = (because: string, cause?: Error) => {
    const details = said.split('\n').filter((line) => line.trim() !== '');
    const hint = `try it by hand: ${displayArgv(argv)}`;
    connection.destroy(new UserError(`${argv[0]} ${because}`, { status: 4, hint, details, ...(cause && { cause }) }));
  };
  child.once('error', (error: NodeJS.ErrnoException) => {
    fail(
      error.code === 'ENOENT' ? 'is not installed here' : `cannot be started (${error.code ?? error.message})`,
      error,
    );
  });
  // the end of what it writes is told when its status is known, and not before
  child.once('close', (code) => {
    if (connection.destroyed) return;
    if (code === 0 || code === null) connection.push(null);
    else fail(`ended with status ${code}`);
  });
  return connection;
}
