import { posix } from 'node:path';

import { byBytes, type PackageId } from '../../../model/index.ts';
import type { Observed, Root } from '../../../contract/index.ts';
import { nameBytes } from '../../../roots/names.ts';
import { idOfObject } from '../object-file.ts';
import { parsePointer } from '../pointer.ts';
import { readObjects } from '../read-objects.ts';
import { readWorkTree, type WorkTree } from '../worktree.ts';
import { isContentOf } from './pointers.ts';
import type { GitLock, GitSpec, GitState } from './spec.ts';

/** The project and its submodules, each known by where it comes from, else by where it lies. */
export function packages(spec: GitSpec, lock?: GitLock): readonly PackageId[] {
  const own = idOf(spec, spec, spec.commit ?? lock?.commit, (spec.changes ?? 0) > 0);
  const inner = (spec.submodules ?? []).map((one) =>
    idOf({ path: posix.join(spec.path, one.path), remote: one.remote }, one, one.commit, (one.changes ?? 0) > 0),
  );
  return [own, ...inner].sort((a, b) => byBytes(a.key, b.key));
}

/** The same, as the root has it; nothing where there is no work tree. */
export async function observe(spec: GitSpec, root: Root): Promise<Observed> {
  const found: PackageId[] = [];
  const states = [
    { at: spec.path, state: spec as GitState },
    ...(spec.submodules ?? []).map((state) => ({ at: posix.join(spec.path, state.path), state: state as GitState })),
  ];
  for (const { at, state } of states) {
    const tree = await readWorkTree(root, at);
    if ('because' in tree) continue;
    found.push(
      idOf(
        { path: at, remote: state.remote },
        state,
        tree.head.commit,
        (state.changes ?? 0) > 0 || (await isChanged(root, tree)),
      ),
    );
  }
  return { packages: found.sort((a, b) => byBytes(a.key, b.key)) };
}

function idOf(
  where: { readonly path: string; readonly remote?: string | undefined },
  state: GitState,
  commit: string | undefined,
  changed: boolean,
): PackageId {
  const version = `${commit ?? state.branch ?? 'HEAD'}${changed ? '+changes' : ''}`;
  return { key: where.remote ?? where.path, version, name: where.path };
}

/** Whether a file is not as the index has it. What is staged is not seen: that needs the commit's objects. */
async function isChanged(root: Root, tree: WorkTree): Promise<boolean> {
  using objects = await readObjects(root, tree.commonDir, tree.algorithm);
  for (const entry of tree.index) {
    if (entry.skipped || entry.mode === 0o160000 || entry.mode === 0o040000) continue;
    const path = posix.join(tree.top, entry.path);
    const bytes =
      entry.mode === 0o120000
        ? await root
            .readlink(path)
            .then(nameBytes)
            .catch(() => undefined)
        : await root.readFile(path).catch(() => undefined);
    if (bytes !== undefined && idOfObject(tree.algorithm, 'blob', bytes) === entry.id) continue;
    const blob = entry.mode === 0o120000 ? undefined : (await objects.read(entry.id))?.data;
    const pointer = blob === undefined ? undefined : parsePointer(blob);
    if (pointer === undefined || !(await isContentOf(root, path, pointer))) return true;
  }
  return false;
}
