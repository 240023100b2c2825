import { explainFull } from '../flows/full-disk.ts';
import { places } from '../inventory/places.ts';
import { UserError } from '../model/index.ts';
import { version } from './version.ts';
import type { Terminal } from './terminal.ts';

/**
 * Says what went wrong and returns the exit status. `ownStatus`: the exit status belongs to a command that was to be
 * run, so ours is 125, as env(1) and timeout(1) have it; wrong usage stays 2.
 */
export function reportError(thrown: unknown, terminal: Terminal, ownStatus: boolean): number {
  const error = explainFull(thrown, undefined, places(process.env));
  if (isAbort(error)) {
    terminal.error('interrupted');
    return 130;
  }
  if (error instanceof UserError) {
    terminal.error(`error: ${error.message}`);
    for (const detail of error.details) terminal.error(`       ${detail}`);
    if (error.hint !== undefined) terminal.error(`hint:  ${error.hint}`);
    return ownStatus && (error.status === 1 || error.status === 4) ? 125 : error.status;
  }
  terminal.error(
    `error: this is a bug of repronim ${version()}: ${error instanceof Error ? error.message : String(error)}`,
  );
  if (error instanceof Error && error.stack !== undefined) {
    terminal.error(error.stack.split('\n').slice(1).join('\n'));
  }
  terminal.error('hint:  please report it, with the command and the lines above');
  return ownStatus ? 125 : 1;
}

function isAbort(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'AbortError' || (error.cause instanceof Error && error.cause.name === 'AbortError'))
  );
}
