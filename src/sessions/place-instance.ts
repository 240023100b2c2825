import { existsSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { BackendContext, Instance, Session } from '../contract/index.ts';

/** In an instance's folder as long as it is there: the place itself does not go. */
const marker = 'there';

/** Writes down that an instance is at a place that was there before. */
export function markPlace({ state }: Pick<BackendContext, 'state'>): void {
  writeFileSync(join(state, marker), '');
}

/** Takes that back. Idempotent. */
export async function unmarkPlace({ state }: Pick<BackendContext, 'state'>): Promise<void> {
  await rm(join(state, marker), { force: true });
}

/** A place that was there before, as an instance: it runs, goes on when it is stopped, and stays when it is removed. */
export function placeInstance(
  name: string,
  context: Pick<BackendContext, 'state'>,
  enter: () => Promise<Session>,
): Instance {
  return {
    name,
    async status() {
      return existsSync(join(context.state, marker)) ? 'running' : 'gone';
    },
    async start() {}, // it runs
    async stop() {}, // and goes on
    session: enter,
    async exec(argv, options) {
      await using session = await enter();
      return await session.exec(argv, options);
    },
    async remove() {
      await unmarkPlace(context);
    },
  };
}
