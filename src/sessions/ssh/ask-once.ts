import { UserError } from '../../model/index.ts';
import { runProcess } from '../process.ts';
import type { Connection } from './connection.ts';
import { sshEnvironment } from './environment.ts';

/** Runs one line of a host's shell over a connection, and returns what it writes. Throws UserError 4 where it fails. */
export async function askOnce(connection: Connection, line: string, input: Buffer): Promise<Buffer> {
  const result = await runProcess(connection.argv(line), {
    env: sshEnvironment(),
    accept: 'any',
    limit: 1024 * 1024,
    input,
  });
  if (result.status === 0) return result.stdout;
  const said = result.stderr
    .toString('utf8')
    .replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .slice(-300);
  throw new UserError(`cannot do anything on ${connection.host}: ${said === '' ? `status ${result.status}` : said}`, {
    status: 4,
  });
}
