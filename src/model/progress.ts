/** One report of something that takes time; a sequence of them with one `step` is one line on a terminal. */
export interface Progress {
  /** What is done, as a word that begins a line: `trace`, `fetch`, `create`, `verify`, `replay` … */
  readonly step: string;
  /** What it is done to, for people. */
  readonly what?: string;
  readonly done?: number;
  readonly total?: number;
  /** What `done` and `total` count. */
  readonly unit?: 'bytes' | 'packages' | 'files' | 'lines';
  /** Set on the last report of the step: the sentence that stays. */
  readonly finished?: string;
  /** Lines that go below the sentence. */
  readonly details?: readonly string[];
  readonly milliseconds?: number;
}

export type OnProgress = (progress: Progress) => void;
