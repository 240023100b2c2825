import { UserError } from '../model/index.ts';

/** The error for a member of an archive whose name leads out of it, or which is what such an archive never holds. */
export function refused(what: string, name: string, because = 'its name leads out of it'): UserError {
  return new UserError(`${what}: refused: ${JSON.stringify(name.slice(0, 200))}: ${because}`);
}
