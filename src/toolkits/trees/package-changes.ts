import * as v from 'valibot';

import type { Owner } from '../../contract/index.ts';
import { flag, integer, modeText, pathText, sha256Text, text } from '../../contract/schema.ts';
import { byBytes, type Note, type Step } from '../../model/index.ts';

/** A file of a package that is not as the package has it. Exactly one of `sha256`, `link` and `removed` is there. */
export interface PackageChange {
  readonly path: string;
  /** Key of the package that it belongs to. */
  readonly package: string;
  readonly mode?: string;
  /** Default 0. */
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly sha256?: string;
  readonly link?: string;
  readonly removed?: boolean;
  /** Why the content is not carried: `private`, `unreadable`, `limit`. */
  readonly left?: string;
}

/** The same, checked. */
export const packageChangeSchema = v.pipe(
  v.looseObject({
    path: pathText,
    package: text,
    mode: v.optional(modeText),
    uid: v.optional(integer),
    gid: v.optional(integer),
    size: v.optional(integer),
    sha256: v.optional(sha256Text),
    link: v.optional(text),
    removed: v.optional(flag),
    left: v.optional(text),
  }),
  v.check(
    ({ sha256, link, removed, left }) =>
      [sha256, link, removed === true ? true : undefined].filter((is) => is !== undefined).length <= 1 &&
      (left !== undefined || sha256 !== undefined || link !== undefined || removed === true),
    'expected one of sha256, link and removed',
  ),
);

/** What makes files of freshly installed packages what they were. */
export function changeSteps(changed: readonly PackageChange[] = []): Step[] {
  return changed.flatMap((change): Step[] => {
    const { path, mode, uid, gid, size, sha256, link, removed, left } = change;
    const because = `changed since ${change.package} was installed`;
    if (left !== undefined) return [];
    if (removed === true) return [{ do: 'remove', path, because: `removed since ${change.package} was installed` }];
    if (link !== undefined) return [{ do: 'link', path, target: link, because }];
    if (sha256 === undefined || size === undefined) return [];
    const owner = { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
    return [
      { do: 'write', path, content: { sha256, size }, ...(mode === undefined ? {} : { mode }), ...owner, because },
    ];
  });
}

/** The lock, with these files of its packages as taken away since; those of packages that it does not have do not count. */
export function withoutFiles<L extends { readonly changed?: readonly PackageChange[] }>(
  lock: L,
  keys: ReadonlySet<string>,
  files: ReadonlyMap<string, readonly Owner[]>,
): L {
  const rows = new Map((lock.changed ?? []).map((row) => [row.path, row]));
  for (const [path, owners] of files) {
    const owner = owners.find(({ key }) => keys.has(key));
    if (owner !== undefined) rows.set(path, { path, package: owner.key, removed: true });
  }
  return rows.size === 0 ? lock : { ...lock, changed: [...rows.values()].sort((a, b) => byBytes(a.path, b.path)) };
}

/** What the maker of a trace should know of changes whose content is not carried. */
export function leftNotes(changed: readonly PackageChange[]): Note[] {
  return changed.flatMap(({ path, left, package: about }): Note[] => {
    if (left === 'private')
      return [{ kind: 'left', text: `${path} was changed, and is not for everybody's eyes`, path, about }];
    return left === 'unreadable' ? [{ kind: 'unreadable', text: `${path} can't be read`, path, about }] : [];
  });
}
