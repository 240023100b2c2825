import type { Context } from './context.ts';
import type { Root } from './root.ts';

/** How a backend opens what it has and we did not make: `WORD:REFERENCE` in the grammar of places. */
export interface PlaceOpener<P = unknown> {
  /** What stands before the colon: `docker`, `sif`, `ssh`. */
  readonly word: string;
  /** What stands after it, as usage shows it: `REF`, `FILE`, `HOST`. */
  readonly operand: string;
  /**
   * Opens it for looking; nothing is started, pulled or changed. Throws UserError: 2 for what is not there, 4 where
   * that kind can't be had on this machine.
   */
  open(reference: string, params: P, context: Context): Promise<Root>;
}
