import { mkdir, open, readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';

import type { Store } from '../../contract/index.ts';
import { ancestors, byBytes, UserError, type Argv, type Plan, type Step } from '../../model/index.ts';
import { encodeHeader, tarEnd, tarPadding, type Header } from '../../roots/tar-header.ts';
import { readMembers } from '../../roots/tar-members.ts';
import type { Template } from './template.ts';
import { lastOfEach, stepMembers, storedTar, type FileStep } from '../step-members.ts';

export interface RenderOptions {
  /** Has everything that the plan uses. */
  readonly store: Store;
  /** The root that the plan's bootstrap lays, without its steps: a tar that is not compressed. Absent with `base`. */
  readonly root?: AsyncIterable<Uint8Array>;
  /** The image that it starts from instead. */
  readonly base?: string;
  /** The recipe that is filled in; default: the form's own. */
  readonly template?: Template;
  /** Variables that the environment has. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** What a plan comes to when all its content lies in tars: unpack one at the root, or run a program there. */
export type Action = { readonly because: string } & (
  | { readonly do: 'add'; readonly file: string }
  | { readonly do: 'run'; readonly argv: Argv }
);

/**
 * Writes the tars of a plan below `folder`, which must be new or empty, and says what is to be done with them, in
 * order. Consecutive files, folders and links are one tar. Names in tars never leave the root.
 */
export async function writeContext(plan: Plan, folder: string, options: RenderOptions): Promise<readonly Action[]> {
  await makeEmpty(folder);
  await mkdir(join(folder, 'layers'));
  const known = new Set<string>(options.root === undefined ? everywhere : ['/']);
  const layers = { folder, known, count: 0 };
  const actions: Action[] = [];
  if (options.root !== undefined) {
    const file = await writeLayer(layers, 'root', noteFolders(options.root, known));
    actions.push({ do: 'add', file, because: plan.bootstrap.summary });
  }
  for (const group of groupSteps(plan.steps)) {
    const [first] = group;
    if (first.do === 'run') {
      actions.push({ do: 'run', argv: cleanArgv(first.argv, first.env), because: first.because });
    } else if (first.do === 'remove') {
      actions.push({ do: 'run', argv: cleanArgv(['rm', '-rf', '--', first.path]), because: first.because });
    } else if (first.do === 'account') {
      actions.push({ do: 'run', argv: accountArgv(first), because: first.because });
    } else if (first.do === 'unpack') {
      const file = await writeLayer(layers, 'tree', treeTar(first, options.store, known));
      actions.push({ do: 'add', file, because: first.because });
    } else {
      const steps = group as readonly FileStep[];
      const file = await writeLayer(layers, 'files', filesTar(steps, options.store, known));
      const more = new Set(steps.map(({ because }) => because)).size - 1;
      actions.push({
        do: 'add',
        file,
        because: more > 0 ? `${first.because}, and ${more} more` : first.because,
      });
    }
  }
  return actions;
}

/** Folders, or links to some, that an image which is started from has: a tar must not make them anew. */
const everywhere = [
  '/',
  '/bin',
  '/dev',
  '/etc',
  '/home',
  '/lib',
  '/lib64',
  '/media',
  '/mnt',
  '/opt',
  '/proc',
  '/root',
  '/run',
  '/sbin',
  '/srv',
  '/sys',
  '/tmp',
  '/usr',
  '/usr/bin',
  '/usr/lib',
  '/usr/lib64',
  '/usr/local',
  '/usr/local/bin',
  '/usr/local/lib',
  '/usr/local/share',
  '/usr/sbin',
  '/usr/share',
  '/var',
  '/var/cache',
  '/var/lib',
  '/var/log',
  '/var/tmp',
  '/etc/apt',
  '/usr/local/man',
  '/var/run',
] as const;

async function makeEmpty(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) {
    throw new UserError(`${folder} is not empty`, { status: 2, hint: 'name a folder that is not there yet' });
  }
}

function groupSteps(steps: readonly Step[]): readonly (readonly [Step, ...Step[]])[] {
  const groups: [Step, ...Step[]][] = [];
  for (const step of steps) {
    const last = groups.at(-1);
    if (last !== undefined && isFileStep(step) && isFileStep(last[0])) last.push(step);
    else groups.push([step]);
  }
  return groups;
}

function isFileStep(step: Step): step is FileStep {
  return step.do === 'write' || step.do === 'link' || step.do === 'directory';
}

/** A program in an environment that is the same wherever it is run. */
function cleanArgv(argv: Argv, env: Readonly<Record<string, string>> = defaultEnvironment): Argv {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return ['/usr/bin/env', '-i', ...variables, ...argv];
}

const defaultEnvironment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' } as const;

/** The script is the same for all; what differs are its arguments. */
const addLine = 'cut -d: -f3 "$1" | grep -qx -- "$2" || printf "%s\\n" "$3" >>"$1"';

function accountArgv({ name, uid, gid, home }: Extract<Step, { do: 'account' }>): Argv {
  const group = ['/etc/group', String(gid), `${name}:x:${gid}:`];
  const user = ['/etc/passwd', String(uid), `${name}:x:${uid}:${gid}::${home}:/bin/sh`];
  if (/[\n:]/.test(name + home)) throw new UserError(`unsafe account: ${JSON.stringify(name)}`);
  const both = `${addLine}; shift 3; ${addLine}`;
  return cleanArgv(['/bin/sh', '-c', both, 'sh', ...group, ...user]);
}

interface Layers {
  readonly folder: string;
  /** Folders that the root has by now. */
  readonly known: Set<string>;
  count: number;
}

async function writeLayer(layers: Layers, what: string, tar: AsyncIterable<Uint8Array>): Promise<string> {
  const file = `layers/${String(layers.count++).padStart(2, '0')}-${what}.tar`;
  const handle = await open(join(layers.folder, file), 'wx', 0o644);
  try {
    for await (const chunk of tar) await handle.writeFile(chunk);
  } finally {
    await handle.close();
  }
  return file;
}

/** Lets a tar through, and notes the folders in it (and the links, which may lead to some). */
async function* noteFolders(tar: AsyncIterable<Uint8Array>, known: Set<string>): AsyncGenerator<Uint8Array> {
  for await (const member of readMembers(tar)) {
    const path = posix.join('/', member.name);
    if (member.type === 'directory' || member.type === 'link') known.add(path);
    if (path === '/') continue;
    yield encodeHeader({ ...(member as Header), name: path.slice(1) });
    yield* member.content();
    yield tarPadding(member.size);
  }
  yield tarEnd;
}

async function* treeTar(
  step: Extract<Step, { do: 'unpack' }>,
  store: Store,
  known: Set<string>,
): AsyncGenerator<Uint8Array> {
  yield* missingFolders([posix.join(step.into, 'x')], known);
  for await (const member of readMembers(storedTar(step.archive.sha256, store))) {
    if (member.type === 'socket') continue;
    const path = within(step.into, member.name);
    if (path === '/') continue;
    if (member.type === 'directory') known.add(path);
    const target = member.type === 'hardlink' ? within(step.into, member.target ?? '').slice(1) : member.target;
    yield encodeHeader({ ...(member as Header), name: path.slice(1), target });
    yield* member.content();
    yield tarPadding(member.size);
  }
  yield tarEnd;
}

function within(folder: string, name: string): string {
  const path = posix.join(folder, name);
  if (path !== folder && !path.startsWith(folder === '/' ? '/' : `${folder}/`)) {
    throw new UserError(`an archive has a name that leads out of it: ${JSON.stringify(name)}`);
  }
  return path;
}

async function* filesTar(steps: readonly FileStep[], store: Store, known: Set<string>): AsyncGenerator<Uint8Array> {
  const last = lastOfEach(steps);
  for (const step of last.values()) if (step.do === 'directory') known.add(step.path);
  yield* missingFolders([...last.keys()], known);
  yield* stepMembers(last.values(), store);
  yield tarEnd;
}

/** Folders on the way to paths that nothing has made: root's, 0755. */
function* missingFolders(paths: readonly string[], known: Set<string>): Generator<Uint8Array> {
  const folders = [...new Set(paths.flatMap(ancestors))].filter((path) => !known.has(path)).toSorted(byBytes);
  for (const path of folders) {
    known.add(path);
    yield encodeHeader({ name: path.slice(1), type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtimeMs: 0 });
  }
}
