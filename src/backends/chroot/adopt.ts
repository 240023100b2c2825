import { mkdtemp, rm } from 'node:fs/promises';
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { UserError } from '../../model/index.ts';
import type { Adopter, Instance, InstanceStatus, Session } from '../../contract/index.ts';
import { enclose } from '../../sessions/confined.ts';
import { layerOver } from '../../sessions/layered.ts';

/**
 * Folders that somebody else has filled. What runs in one sees its changes and leaves none behind: they go into a
 * layer that ends with the session, unless the folder is said to be writable.
 */
export const folders: Adopter = {
  word: 'root',
  async find(reference) {
    const directory = resolve(reference);
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return { directory };
    throw new UserError(`${directory} is not a folder`, { status: 2 });
  },
  enter({ name, facts, confinement }, writable, _params, { state, signal }): Instance {
    const directory = String(facts['directory']);
    const nothingRuns = () => {
      const hint = `repronim exec ${name} -- COMMAND runs something in it`;
      return new UserError(`${name} is a folder: nothing runs in it by itself`, { status: 2, hint });
    };
    return {
      name,
      async status(): Promise<InstanceStatus> {
        return existsSync(directory) ? 'stopped' : 'gone';
      },
      async start() {
        throw nothingRuns();
      },
      async stop() {
        throw nothingRuns();
      },
      async session(): Promise<Session> {
        if (writable) return await enclose({ root: directory, ...confinement, hostname: name }, signal);
        const work = await mkdtemp(join(state, 'layer-'));
        const session = await layerOver(directory, work, confinement, signal);
        return {
          ...session,
          async [Symbol.asyncDispose]() {
            await session[Symbol.asyncDispose]();
            await rm(work, { recursive: true, force: true });
          },
        };
      },
      async remove() {}, // it is somebody else's
    };
  },
};
