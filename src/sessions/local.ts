import type { Session } from '../contract/index.ts';
import { localRoot } from '../roots/local.ts';
import { insideSession } from './inside.ts';
import { execProcess, runProcess } from './process.ts';

/** A session on this machine, as who we are: nothing is confined. */
export function localSession(): Session {
  const root = localRoot();
  const plain = insideSession({
    mode: 'plain',
    fields: [],
    label: 'this machine',
    restricted: false,
    root,
    async dispose() {},
  });
  return {
    ...plain,
    async run(argv, options) {
      return await runProcess(argv, options);
    },
    async exec(argv, options) {
      // The terminal that we have is the machine's own already.
      return await (options.user === undefined
        ? execProcess(argv, options)
        : plain.exec(argv, { ...options, tty: false }));
    },
  };
}
