import * as v from 'valibot';

/** What `--set` takes for schroot. */
export const schrootParams = v.strictObject({
  /** `directory`: an overlay over the one rootfs; `file`: unpacked from a tar of it. */
  type: v.optional(v.picklist(['directory', 'file'], 'expected directory or file'), 'directory'),
  /** A folder of /etc/schroot (`default`, `minimal`): it copies and mounts what it says. Default: one of ours, nothing. */
  profile: v.optional(
    v.pipe(
      v.string('expected a profile'),
      v.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'expected the name of a folder of /etc/schroot'),
    ),
  ),
  /** How programs get in: `namespaces`, confined by ours; `schroot`: by `schroot --run-session`, which confines nothing. */
  enter: v.optional(v.picklist(['namespaces', 'schroot'], 'expected namespaces or schroot'), 'namespaces'),
});

export type SchrootParams = v.InferOutput<typeof schrootParams>;
