import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { UserError, type Argv, type Note } from '../../model/index.ts';
import type { ExecOptions, Root, Session, TraceOptions, TraceResult } from '../../contract/index.ts';
import { readMembers } from '../../roots/tar-members.ts';
import { straceArgv, type Mode } from './argv.ts';
import { followLog } from './follow.ts';
import { packKit, type Kit } from './kit.ts';
import { everything, lookInside, readAsked, readHeads, readTree, type AskedTree } from './look-inside.ts';
import { probeStrace } from './probe.ts';
import { binaryFormats } from './programs.ts';
import { reportScene } from './report.ts';
import { createResolver } from './resolve.ts';
import { createScene, type Scene } from './scene.ts';
import { watchLog, type Watch } from './watch.ts';

/** What a session shows that no files are in. */
const kernels = ['/proc', '/sys', '/dev'];

/**
 * Runs a command under strace in a session, and tells what it did there. This machine's strace goes along in a folder
 * that is taken away again; what is there (strace, a shell, libraries) is neither needed nor used.
 */
export async function traceInside(
  command: Argv,
  options: TraceOptions & { readonly session: Session },
): Promise<TraceResult> {
  const { session, signal } = options;
  const probed = await probeStrace(signal);
  if (!probed.usable) throw new UserError(`cannot trace: ${probed.because}`, { hint: probed.hint, status: 125 });
  const { machine } = session;
  const before = machine === undefined ? await readTree(session.root, kernels, signal) : everything;
  const argv = await executableInside(command, session.root, options);
  if (typeof argv === 'number') return reportScene(createScene(lookInside(everything, new Map(), new Map())), argv);
  const folder = posix.join(machine?.scratch ?? '/', `repronim-${randomBytes(6).toString('hex')}`);
  const log = join(options.work, 'strace.log');
  const { user = { uid: 0, gid: 0 } } = options;
  const kit = await packKit(probed.mode.strace, signal);
  let status: number;
  const notes: Note[] = [];
  try {
    await session.untar(kit.tar(folder, user), '/');
    const mode = await modeInside(kit, folder, probed.mode, session);
    const ownLog = posix.join(folder, 'log');
    status = await session.exec(kit.argv(folder, lineOf(mode, argv, ownLog, options)), {
      ...streamsOf(options),
      env: withoutLoader(options.env),
      cwd: options.cwd,
      user,
      signal,
    });
    await fetchLog(session, ownLog, log);
  } finally {
    const removed = await session.run(['rm', '-rf', '--', folder], { accept: 'any' }).catch(() => undefined);
    if (removed?.status !== 0) {
      notes.push({
        kind: 'warning',
        path: folder,
        text: `${folder}, in which strace was brought along, is still there`,
      });
    }
  }
  const after = machine === undefined ? await readTree(session.root, [...kernels, folder], signal) : undefined;
  const { scene, watch } = await readLog(log, options, { before, after, root: session.root });
  if (watch.main.pid === 0) {
    throw new UserError(`cannot trace ${command[0]} in ${session.root.label}: strace ended with status ${status}`, {
      status: 125,
    });
  }
  const report = reportScene(scene, watch.main.status ?? status);
  return { ...report, notes: [...report.notes, ...notes] };
}

/** The scene of a log that is complete. What was executed is known after reading it once; then it is read again. */
async function readLog(
  log: string,
  { cwd, user }: TraceOptions,
  { before, after, root }: { readonly before: AskedTree; readonly after: AskedTree | undefined; readonly root: Root },
): Promise<{ readonly scene: Scene; readonly watch: Watch }> {
  const [directory = cwd] = await root.realpath([cwd]);
  const read = (tree: AskedTree, heads: ReadonlyMap<string, Buffer>) => {
    const scene = createScene(lookInside(before, tree, heads));
    scene.directories.add(directory);
    const watch = watchLog(scene, { cwd: directory, unprivileged: (user?.uid ?? 0) !== 0 });
    const follower = followLog(log, watch.reader);
    follower?.advance();
    follower?.close();
    watch.settle();
    return { scene, watch };
  };
  const known: Parameters<typeof readAsked>[1] = new Map();
  const readThrough = async <T>(from: (tree: AskedTree) => T): Promise<T> =>
    after === undefined ? await readAsked(root, known, from) : from(after);
  const first = await readThrough((tree) => {
    const seen = read(tree, new Map());
    reportScene(seen.scene, 0); // it asks, too
    return seen;
  });
  const resolver = await readThrough((tree) => {
    const made = createResolver(lookInside(before, tree, new Map()));
    for (const { file } of first.scene.programs.values()) made.resolve(file, true);
    return made;
  });
  const files = [...first.scene.programs.values()].map(({ file }) => file);
  const heads = await readHeads(root, files, (name) => resolver.resolve(name, true).path, binaryFormats());
  return await readThrough((tree) => {
    const seen = read(tree, heads);
    reportScene(seen.scene, 0);
    return seen;
  });
}

/** How much strace can do there: as here, or without seccomp. */
async function modeInside(kit: Kit, folder: string, here: Mode, session: Session): Promise<Mode> {
  let said = '';
  const [program, ...rest] = kit.argv(folder, [here.strace, '-V']);
  for (const mode of here.seccomp ? [here, { ...here, seccomp: false }] : [here]) {
    const line = straceArgv(mode, [program, ...rest], { log: '/dev/null', stat: false, allowIoUring: false });
    const tried = await session.run(kit.argv(folder, line), { accept: 'any' });
    if (tried.status === 0) return mode;
    said = tried.stderr.toString().trim().split('\n')[0] ?? '';
  }
  throw new UserError(`nothing can be traced in ${session.root.label}: ${said === '' ? 'strace says nothing' : said}`, {
    hint: 'name the files instead: trace --in … --path',
    status: 125,
  });
}

function lineOf(mode: Mode, command: Argv, log: string, { env, stat, allowIoUring = false }: TraceOptions): Argv {
  const loader = Object.entries(env).filter(([name]) => isLoader(name));
  return straceArgv(mode, command, { log, stat, allowIoUring, env: loader });
}

/** A library that is preloaded into the command must not be loaded into strace. */
function withoutLoader(env: TraceOptions['env']): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isLoader(name)));
}

function isLoader(name: string): boolean {
  return name.startsWith('LD_') || name === 'GLIBC_TUNABLES';
}

function streamsOf({ stdin, stdout, stderr }: TraceOptions): Pick<ExecOptions, 'stdin' | 'stdout' | 'stderr'> {
  return { stdin, stdout, stderr };
}

/** The command as it is executed in the end; 127 where there is none, 126 where there is, but it can't be executed. */
async function executableInside(command: Argv, root: Root, { cwd, env }: TraceOptions): Promise<Argv | 126 | 127> {
  const [name, ...rest] = command;
  const folders = name.includes('/') ? [''] : (env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin').split(':');
  const asked = folders.map((folder) => posix.resolve(cwd, folder, name));
  const real = await root.realpath(asked);
  const stats = await root.lstat(real.map((path) => path ?? ''));
  let failed: 126 | 127 = 127;
  for (const [index, file] of asked.entries()) {
    const path = real[index];
    const found = path === undefined ? undefined : stats[index];
    if (path === undefined || found === undefined) continue;
    failed = 126;
    if (found.type !== 'file' || (found.mode & 0o111) === 0) continue;
    // a text without #! is given to the shell, as execvp does
    if (await isBareScript(root, path)) return ['/bin/sh', file, ...rest];
    return env['PATH'] === undefined ? [file, ...rest] : command;
  }
  return failed;
}

/** Scripts of people are smaller; what is larger is left to the kernel. */
const largestScript = 1024 * 1024;

async function isBareScript(root: Root, path: string): Promise<boolean> {
  const text = await root.readFile(path, largestScript).catch(() => undefined);
  if (text === undefined) return false;
  const head = text.subarray(0, 64);
  return !head.includes(0) && head[0] !== 0x7f && !(head[0] === 35 && head[1] === 33);
}

async function fetchLog(session: Session, path: string, into: string): Promise<void> {
  for await (const member of readMembers(session.tar([path]))) {
    if (member.type === 'file') await pipeline(member.content(), createWriteStream(into, { mode: 0o600 }));
  }
}
