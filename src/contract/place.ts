import type { Context } from './context.ts';
import type { RunLock } from '../model/index.ts';
import type { Root } from './root.ts';
import type { Session } from './session.ts';

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
  /** Being there, as whoever is let in; nothing but what is run there changes it. Absent: it is only looked at. */
  enter?(reference: string, params: P, context: Context): Promise<Entered>;
}

/** Being somewhere, and how commands are run there where nothing else is said. */
export interface Entered {
  readonly session: Session;
  readonly entered: {
    readonly directory: string;
    readonly as: RunLock['as'];
    readonly environment: Readonly<Record<string, string>>;
  };
}
