/** Something that the maker of a trace, spec or environment should know; never an exception. */
export interface Note {
  readonly kind:
    | 'gone' // in no archive any more
    | 'partial' // kept, but not whole
    | 'unreadable' // could not be read
    | 'left' // left out of the bundle, or of the spec
    | 'secret' // replaced
    | 'service' // a daemon or host that was talked to
    | 'incomplete' // the trace may have missed something
    | 'warning';
  readonly text: string;
  readonly path?: string;
  /** The distribution, package or process that it is about. */
  readonly about?: string;
}
