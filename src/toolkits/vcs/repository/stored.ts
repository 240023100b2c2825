import { readFile } from 'node:fs/promises';

import { UserError, type ContentRef } from '../../../model/index.ts';
import type { Context } from '../../../contract/index.ts';

/** The bytes of stored content. What `wanted` asked for is there by now, else the flow has stopped. */
export async function readStored(content: ContentRef, { store }: Pick<Context, 'store'>): Promise<Buffer> {
  const file = await store.find(content.sha256);
  if (file === undefined) {
    throw new UserError(`content ${content.sha256} is not in the store`, {
      hint: 'take the bundle instead of the spec',
    });
  }
  return await readFile(file);
}
