import * as v from 'valibot';

/** What `--set` takes for apptainer. */
export const apptainerParams = v.strictObject({
  /** What instances are started from: the tree as it is (nothing is written first), or one file made of it. */
  format: v.optional(v.picklist(['sandbox', 'sif']), 'sandbox'),
  /** The program. Default: `apptainer`, else `singularity`, as PATH has them. */
  program: v.optional(v.pipe(v.string('expected a path'), v.regex(/^\//, 'expected a path that begins with /'))),
});

export type ApptainerParams = v.InferOutput<typeof apptainerParams>;
