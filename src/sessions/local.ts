import type { ExecOptions, Session } from '../contract/index.ts';
import { UserError, type Argv } from '../model/index.ts';
import { localRoot } from '../roots/local.ts';
import { insideSession } from './inside.ts';

/**
 * Being on this machine itself, with our own rights and nothing given up: programs run as root where we are root and
 * nobody else is asked for, else as ourselves.
 */
export function localSession(label: string): Session {
  const uid = process.geteuid?.() ?? 0;
  const isRoot = uid === 0;
  const session = insideSession({
    mode: 'plain',
    fields: [],
    label,
    restricted: false,
    asOurselves: !isRoot,
    root: localRoot('/', label),
    async dispose() {},
  });
  if (isRoot) return session;
  return {
    ...session,
    async exec(argv: Argv, options: ExecOptions) {
      const { user } = options;
      if (user !== undefined && user.uid !== uid && user.uid !== 0) {
        throw new UserError(`only root can run programs as user ${user.uid} on ${label}`, {
          status: 4,
          hint: 'run repronim as that user, or as root',
        });
      }
      return await session.exec(argv, options);
    },
  };
}
