import { createHash } from 'node:crypto';

import * as v from 'valibot';

/** What the inventory keeps of an instance of ours. */
const factsSchema = v.object({
  /** The name of the chroot and of its session: the instance's, and what tells our state folders apart. */
  session: v.string(),
  rootfs: v.string(),
  type: v.picklist(['directory', 'file']),
  enter: v.picklist(['namespaces', 'schroot']),
  profile: v.optional(v.string()),
  /** Of type file: the tar, and which of its files have capabilities, which schroot does not unpack. */
  file: v.optional(v.string()),
  capable: v.optional(v.array(v.string())),
  /** Whether the tar has been unpacked: from then on the tree is the instance's. */
  unpacked: v.optional(v.boolean()),
  /** What schroot has put there from this machine, and the sha256 of it. */
  put: v.optional(v.array(v.object({ path: v.string(), sha256: v.string() }))),
});

export type Facts = v.InferOutput<typeof factsSchema>;

/** Undefined where nothing had been begun yet. */
export function readFacts(recorded: Readonly<Record<string, unknown>>): Facts | undefined {
  const parsed = v.safeParse(factsSchema, recorded);
  return parsed.success ? parsed.output : undefined;
}

/** A name that no other person's instance has, and no other state folder's. */
export function sessionName(name: string, state: string): string {
  return `repronim-${name}-${createHash('sha256').update(state).digest('hex').slice(0, 8)}`;
}
