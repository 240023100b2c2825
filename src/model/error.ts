/** How a command ends when it does not end well; the numbers are in docs/dictionary.md under "exit status". */
export type ExitStatus = 1 | 2 | 3 | 4 | 125 | 126 | 127 | 130;

/**
 * What a person can do something about: `message` says what happened, `hint` what to do; both are fit to print.
 * Anything that is thrown and is not a UserError is a bug.
 */
export class UserError extends Error {
  readonly hint: string | undefined;
  readonly status: ExitStatus;
  /** Further faults of the same kind, each a line (all faults of a spec, every place that was tried). */
  readonly details: readonly string[];

  constructor(
    message: string,
    options: { hint?: string; status?: ExitStatus; details?: readonly string[]; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UserError';
    this.hint = options.hint;
    this.status = options.status ?? 1;
    this.details = options.details ?? [];
  }
}
