import { did } from './accesses.ts';
import { descriptorPath, stringArgument, type Call } from './arguments.ts';
import type { Process } from './processes.ts';
import { parseOpening } from './opens.ts';
import type { Located, Scene } from './scene.ts';
import { socketAddress } from './sockets.ts';
import { cover, ownView, pivot, uncover, unknownView } from './views.ts';

type Handler = (scene: Scene, process: Process, args: readonly string[], call: Call) => void;

/** What each call that succeeded means; the calls that open and execute are elsewhere. */
export const handlers: Readonly<Record<string, Handler>> = {
  name_to_handle_at(scene, process, args) {
    const place = located(scene, process, args[0], args[1], args[4]?.includes('AT_SYMLINK_FOLLOW') === true);
    const handle = handleIn(args[2]);
    if (place !== undefined && handle !== undefined) scene.handles.set(handle, place);
  },
  open_by_handle_at(scene, process, args) {
    const place = scene.handles.get(handleIn(args[1]) ?? '');
    if (place === undefined) scene.odd.byHandle.add(process.program);
    else for (const file of scene.files(place)) scene.accesses.opened(file, parseOpening(args[2] ?? ''));
  },
  chdir(scene, process, [path]) {
    enter(scene, process, located(scene, process, undefined, path, true)?.shown);
  },
  fchdir(scene, process, [descriptor]) {
    enter(scene, process, descriptorPath(descriptor));
  },
  chroot(scene, process, [path]) {
    const root = located(scene, process, undefined, path, true)?.shown ?? process.place.root;
    process.place.root = root === '/' ? '' : root;
  },
  pivot_root(scene, process, [root, old]) {
    scene.namesChanged();
    const to = located(scene, process, undefined, root, true)?.shown;
    const put = located(scene, process, undefined, old, true)?.shown;
    if (!process.view.own || to === undefined || put === undefined) process.view = unknownView;
    else pivot(process.view, to, put);
    if (process.place.cwd === to) process.place.cwd = '/';
  },
  mount(scene, process, [source, target, type, flags = '']) {
    scene.namesChanged();
    if (!process.view.own || /MS_(?:PRIVATE|SLAVE|SHARED|UNBINDABLE|REMOUNT)/.test(flags)) return;
    // The kernel's own filesystems are the same wherever they are mounted anew.
    if (/^(?:proc|sysfs|devtmpfs|devpts|mqueue|cgroup2?|securityfs)$/.test(stringArgument(type) ?? '')) return;
    const from = /MS_(?:BIND|MOVE)/.test(flags) ? located(scene, process, undefined, source, true)?.shown : undefined;
    const to = located(scene, process, undefined, target, true)?.shown;
    if (to !== undefined) cover(process.view, to, from);
  },
  open_tree(scene, process, args, call) {
    const from = located(scene, process, args[0], args[1], true)?.shown;
    if (from !== undefined) (process.trees ??= new Map()).set(Number.parseInt(call.result, 10), from);
  },
  move_mount(scene, process, args) {
    scene.namesChanged();
    const to = located(scene, process, args[2], args[3], true)?.shown;
    const from = located(scene, process, args[0], args[1], true)?.shown;
    if (!process.view.own || to === undefined) return;
    cover(process.view, to, from ?? process.trees?.get(Number.parseInt(args[0] ?? '', 10)));
  },
  umount2(scene, process, [target]) {
    scene.namesChanged();
    const path = located(scene, process, undefined, target, true)?.shown;
    if (path !== undefined && process.view.own) uncover(process.view, path);
  },
  unshare(_scene, process, [flags = '']) {
    process.place = { ...process.place };
    if (flags.includes('CLONE_NEWNS')) process.view = ownView(process.view);
    if (flags.includes('CLONE_NEWPID')) process.numbersOfChildren = 'inner';
  },
  setns(_scene, process, [descriptor = '', flags = '']) {
    if (flags.includes('CLONE_NEWNS') || /\bmnt\b/.test(descriptor)) process.view = unknownView;
    if (flags.includes('CLONE_NEWPID') || /\bpid\b/.test(descriptor)) process.numbersOfChildren = 'inner';
  },
  rename: (scene, process, args, call) => rename(scene, process, [undefined, args[0], undefined, args[1]], call),
  renameat: rename,
  renameat2: rename,
  link: (scene, process, args, call) => link(scene, process, [undefined, args[0], undefined, args[1]], call),
  linkat: link,
  symlink: (scene, process, args) => make(scene, process, undefined, args[1]),
  symlinkat: (scene, process, args) => make(scene, process, args[1], args[2]),
  mkdir: (scene, process, args) => make(scene, process, undefined, args[0], true),
  mkdirat: (scene, process, args) => make(scene, process, args[0], args[1], true),
  mknod: (scene, process, args) => make(scene, process, undefined, args[0]),
  mknodat: (scene, process, args) => make(scene, process, args[0], args[1]),
  unlink: (scene, process, args) => remove(scene, process, undefined, args[0]),
  unlinkat: (scene, process, args) => remove(scene, process, args[0], args[1]),
  rmdir: (scene, process, args) => remove(scene, process, undefined, args[0]),
  truncate,
  truncate64: truncate,
  connect(scene, process, args) {
    const address = socketAddress(args[1] ?? '');
    if (address === undefined) return;
    const path = address.path === undefined ? undefined : scene.locate(process, address.path, { follow: false }).shown;
    scene.sockets.add(path ?? address.text);
  },
  bind(scene, process, args) {
    const address = socketAddress(args[1] ?? '');
    if (address === undefined) return;
    if (address.path === undefined) {
      scene.ownSockets.add(address.text);
      return;
    }
    const place = scene.locate(process, address.path, { follow: false });
    scene.ownSockets.add(place.shown);
    for (const file of scene.files(place)) scene.accesses.made(file);
  },
  io_uring_setup(scene, process) {
    scene.odd.usedUring.add(process.program);
  },
  stat: (scene, process, args) => ask(scene, process, undefined, args[0], true),
  stat64: (scene, process, args) => ask(scene, process, undefined, args[0], true),
  access: (scene, process, args) => ask(scene, process, undefined, args[0], true),
  lstat: (scene, process, args) => ask(scene, process, undefined, args[0], false),
  lstat64: (scene, process, args) => ask(scene, process, undefined, args[0], false),
  readlink: (scene, process, args) => ask(scene, process, undefined, args[0], false),
  newfstatat: askAt,
  fstatat64: askAt,
  statx: askAt,
  faccessat: askAt,
  faccessat2: askAt,
  readlinkat: (scene, process, args) => ask(scene, process, args[0], args[1], false),
};

function handleIn(argument: string | undefined): string | undefined {
  return /f_handle=("[^"]*"|0x[0-9a-f]+)/.exec(argument ?? '')?.[1];
}

function located(
  scene: Scene,
  process: Process,
  folder: string | undefined,
  name: string | undefined,
  follow: boolean,
): Located | undefined {
  const path = stringArgument(name);
  if (path === undefined || path === '') return undefined;
  const from = descriptorPath(folder);
  return scene.locate(process, path, { ...(from === undefined ? {} : { from }), follow });
}

function enter(scene: Scene, process: Process, directory: string | undefined): void {
  if (directory === undefined) return;
  process.place.cwd = directory;
  scene.workedIn(process, directory);
}

function rename(scene: Scene, process: Process, args: readonly (string | undefined)[], _call: Call): void {
  const from = located(scene, process, args[0], args[1], false);
  const to = located(scene, process, args[2], args[3], false);
  if (from === undefined || to === undefined) return;
  const [a] = scene.files(from);
  const [b] = scene.files(to);
  if (a === undefined || b === undefined) return;
  if (args[4]?.includes('RENAME_EXCHANGE') === true) scene.accesses.exchanged(a, b);
  else scene.accesses.renamed(a, b);
  // neither a folder nor a link: no name can lead through it
  if (to.host === undefined || !scene.look.isFile(to.host)) scene.namesChanged();
}

function link(scene: Scene, process: Process, args: readonly (string | undefined)[], _call: Call): void {
  const from = located(scene, process, args[0], args[1], args[4]?.includes('AT_SYMLINK_FOLLOW') === true);
  const to = located(scene, process, args[2], args[3], false);
  if (to === undefined) return;
  for (const file of scene.files(to)) scene.accesses.made(file);
  if (from === undefined || from.shown.startsWith('/proc/')) return; // a temporary file gets its name
  for (const file of scene.files(from)) if ((file.flags & did.written) === 0) file.flags |= did.read;
}

function make(
  scene: Scene,
  process: Process,
  folder: string | undefined,
  name: string | undefined,
  directory = false,
): void {
  const place = located(scene, process, folder, name, false);
  if (place === undefined) return;
  for (const file of scene.files(place)) scene.accesses.made(file, directory);
  if (!directory) scene.namesChanged(); // it may be a link to a folder
}

function remove(scene: Scene, process: Process, folder: string | undefined, name: string | undefined): void {
  const place = located(scene, process, folder, name, false);
  if (place === undefined) return;
  for (const file of scene.files(place)) scene.accesses.removed(file);
}

function truncate(scene: Scene, process: Process, args: readonly string[]): void {
  const place = located(scene, process, undefined, args[0], true);
  if (place === undefined) return;
  for (const file of scene.files(place)) scene.accesses.written(file, args[1] === '0');
}

function askAt(scene: Scene, process: Process, args: readonly string[]): void {
  const rest = args.slice(2).join(' ');
  ask(scene, process, args[0], args[1], !rest.includes('AT_SYMLINK_NOFOLLOW'));
}

function ask(
  scene: Scene,
  process: Process,
  folder: string | undefined,
  name: string | undefined,
  follow: boolean,
): void {
  const place = located(scene, process, folder, name, follow);
  if (place === undefined || /^\/proc\/[0-9]/.test(place.shown)) return;
  const asked = stringArgument(name) ?? '';
  for (const file of scene.files(place)) {
    scene.accesses.asked(file);
    const from = descriptorPath(folder) ?? process.place.cwd;
    scene.reached(file, place, asked.startsWith('/') ? process.place.root + asked : `${from}/${asked}`);
  }
}
