import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';

import { UserError } from '../../model/index.ts';
import type { House } from '../house.ts';
import { loadStored } from '../load.ts';
import { saveBundle } from '../save-bundle.ts';
import type { Exported } from './export.ts';
import { findImage } from './find.ts';

/**
 * Writes an image, or an instance, as the bundle that it can be made from again anywhere: its spec, and what that can't
 * be re-created without. The only form of what is laid over a place that was there before, which has no tree of its own.
 */
export async function exportBundle(word: string, file: string, house: House): Promise<Exported> {
  const instance = await house.inventory.instances.find(word).catch(() => undefined);
  const ofInstance = instance?.status === 'made' ? instance.value.spec : undefined;
  const sha256 = ofInstance ?? (await findImage(word, house)).spec;
  const spec = await loadStored(word, sha256, house);
  const stored = sha256 === undefined ? undefined : await house.store.find(sha256);
  if (stored === undefined) throw new UserError(`the spec of ${word} is not in the store any more`);
  const text = await readFile(stored, 'utf8');
  const { size } = await saveBundle(file, text, spec, { complete: false, data: true }, house);
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  return { file, format: 'bundle', size, sha256: hash.digest('hex') };
}
