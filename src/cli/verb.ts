import type { Terminal } from './terminal.ts';

/** One option of a verb, in commander's notation: `-o, --output <file>`, `--bundle`, `--set <key=value...>`. */
export interface OptionOf {
  readonly flags: string;
  readonly says: string;
  /** Shown by `--help`; the others by `--help --all` only. At most five a verb. */
  readonly matters?: boolean;
  /** Shown as it is; what holds when the option is not given. */
  readonly otherwise?: string;
  readonly choices?: readonly string[];
}

export interface Invocation {
  readonly terminal: Terminal;
  /** What stands before `--`, less the options. */
  readonly operands: readonly string[];
  /** What stands after `--`, as it is; undefined where there is no `--`. */
  readonly command: readonly string[] | undefined;
  readonly options: Options;
}

/** The options given, by their long names in camel case. */
export interface Options {
  flag(name: string): boolean;
  text(name: string): string | undefined;
  list(name: string): readonly string[];
}

/** Where a word of the command line is. */
export type Load<What> = () => Promise<What>;

/** Verbs that have a noun in common: `image build`, `image ls`. */
export interface Group {
  /** One sentence. */
  readonly summary: string;
  /** By word: what it does, and where. */
  readonly verbs: Readonly<Record<string, readonly [does: string, load: Load<{ readonly verb: Verb }>]>>;
  readonly examples: Verb['examples'];
}

/** A word of the command line. */
export interface Verb {
  /** One sentence. */
  readonly summary: string;
  readonly usage: readonly string[];
  readonly options: readonly OptionOf[];
  /** Commands that run, with what they do. */
  readonly examples: readonly (readonly [command: string, does: string])[];
  /** How many operands it takes: at least, at most. */
  readonly operands: readonly [number, number];
  /** Whether a command may follow `--`. */
  readonly command: 'required' | 'allowed' | 'none';
  /** Whether our streams and our exit status are those of that command. */
  readonly passesOn?: true;
  /** The exit status. */
  run(invocation: Invocation): Promise<number>;
}
