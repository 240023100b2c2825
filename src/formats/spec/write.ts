import type { AnyDistribution } from '../../contract/index.ts';
import type { Spec } from '../../model/index.ts';
import { mapLines } from './layout.ts';
import { ordered } from './order.ts';
import { patchDocument } from './patch.ts';
import type { Document } from './tree.ts';

export interface WriteOptions {
  readonly distributions: readonly AnyDistribution[];
  /** The file that the spec was read from: what has not changed keeps its bytes, comments included. */
  readonly onto?: Document;
}

/** A spec as text: the same value gives the same bytes. Ends with a newline. */
export function writeSpec(spec: Spec, options: WriteOptions): string {
  const value = ordered(spec, options.distributions);
  if (options.onto !== undefined) return patchDocument(options.onto, value);
  return `${mapLines(value, [], '').join('\n')}\n`;
}
