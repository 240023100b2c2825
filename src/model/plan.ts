import type { ContentRef, Step } from './step.ts';

/** Everything that is done to make an environment, in order; a value that is printed, rendered or applied. */
export interface Plan {
  /** The distribution that lays the root, and what it lays. */
  readonly bootstrap: {
    readonly id: string;
    readonly type: string;
    readonly summary: string;
    readonly because?: string;
  };
  readonly steps: readonly Step[];
  /** Content that the steps use and that must be at hand. */
  readonly contents: readonly ContentRef[];
}
