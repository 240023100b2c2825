/** What a process sees mounted: shared until unshare, setns or CLONE_NEWNS. Paths are those of its namespace. */
export interface View {
  /** False: this machine's mounts. */
  readonly own: boolean;
  /** True when nothing can be said about which of its files are this machine's. */
  readonly unknown: boolean;
  /** In the order of mounting: a folder, and what of this machine it shows (undefined: nothing). */
  mounts: readonly Mount[];
}

interface Mount {
  readonly target: string;
  readonly source: string | undefined;
}

/** This machine's mounts. */
export const hostView: View = { own: false, unknown: false, mounts: [] };

/** A namespace of which nothing is known. */
export const unknownView: View = { own: true, unknown: true, mounts: [] };

/** A namespace of its own, which starts as a copy. */
export function ownView(view: View): View {
  return { own: true, unknown: view.unknown, mounts: view.mounts };
}

/** Which file of this machine a path is in a view: undefined when it isn't one. */
export function onThisMachine(view: View, path: string): string | undefined {
  if (!view.own) return path;
  if (view.unknown) return undefined;
  for (let index = view.mounts.length - 1; index >= 0; index -= 1) {
    const mount = view.mounts[index];
    if (mount !== undefined && isBelow(path, mount.target)) return moved(path, mount.target, mount.source);
  }
  return path;
}

/** Something is mounted over `target`: a filesystem of its own, or what `from` shows (a bind; its mounts come with it). */
export function cover(view: View, target: string, from?: string): void {
  const inside =
    from === undefined ? [] : view.mounts.filter((mount) => mount.target !== from && isBelow(mount.target, from));
  view.mounts = [
    ...view.mounts,
    { target, source: from === undefined ? undefined : onThisMachine(view, from) },
    ...inside.map(({ target: below, source }) => ({ target: moved(below, from ?? '', target) ?? below, source })),
  ];
}

/** The last mount over `target`, and what was mounted below since, is taken away. */
export function uncover(view: View, target: string): void {
  const last = view.mounts.findLastIndex((mount) => mount.target === target);
  if (last < 0) return;
  view.mounts = view.mounts.filter((mount, index) => index < last || !isBelow(mount.target, target));
}

/** pivot_root(2): `root` becomes the root, and the old one is seen at `old`, a folder in it (or the same). */
export function pivot(view: View, root: string, old: string): void {
  const inside = view.mounts.filter((mount) => mount.target !== root && isBelow(mount.target, root));
  const outside = view.mounts.filter((mount) => !isBelow(mount.target, root));
  const place = moved(old, root, '/') ?? '/';
  const whole = outside.findLast((mount) => mount.target === '/');
  view.mounts = [
    { target: '/', source: onThisMachine(view, root) },
    ...inside.map(({ target, source }) => ({ target: moved(target, root, '/') ?? target, source })),
    { target: place, source: whole === undefined ? '/' : whole.source },
    ...outside
      .filter((mount) => mount.target !== '/')
      .map(({ target, source }) => ({ target: moved(target, '/', place) ?? target, source })),
  ];
}

function isBelow(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}

/** `path`, which is below `from`, as it is below `to`. */
function moved(path: string, from: string, to: string | undefined): string | undefined {
  if (to === undefined) return undefined;
  const rest = from === '/' ? (path === '/' ? '' : path) : path.slice(from.length);
  return to === '/' ? rest || '/' : `${to}${rest}`;
}
