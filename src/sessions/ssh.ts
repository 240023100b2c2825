import type { ExecOptions, Root, RunOptions, RunResult, Session } from '../contract/index.ts';
import { UserError, type Argv } from '../model/index.ts';
import type { Fields } from './enter.ts';
import { execFields } from './inside.ts';
import { CommandFailed } from './process.ts';
import { execThere, explain, runThere, streamThere, type Acting } from './ssh/act.ts';
import type { Host } from './ssh/host.ts';
import { remoteRoot } from './ssh/root.ts';

/** Where on a host a session is. */
export interface There {
  readonly host: Host;
  /** As people call it. */
  readonly label: string;
  /** Absent: the host itself. */
  readonly instance?: InstanceThere;
  /** Called once, when the session is given back. */
  readonly dispose?: () => Promise<void>;
}

/** An instance of ours on a host: its folder there, and what its holder is made from. */
export interface InstanceThere {
  readonly state: string;
  readonly fields: Fields;
  /** The folder that is its root, where nothing is laid over another. */
  readonly tree?: string;
  /** Entered by chroot alone: nobody holds it. */
  readonly bare?: boolean;
}

/**
 * Being on a host, or in an instance of ours there, over its one connection. On the host itself a program runs as
 * whoever ssh is; only root can be asked for another user.
 */
export function sshSession({ host, label, instance, dispose }: There): Session {
  const acting: Acting = {
    host,
    label,
    fields: instance === undefined ? [] : whereOf(instance),
  };
  const leaving: Fields = instance === undefined ? [] : [['restrict', 1]];
  const isOther = instance !== undefined || host.uid === 0;
  const root = rootThere(host, label, instance);
  let disposed = false;

  return {
    root,
    // root may run things as others, who can't enter our folder; others may write nowhere else
    ...(instance === undefined ? { machine: { scratch: host.uid === 0 ? '/' : host.folder } } : {}),
    async run(argv, options: RunOptions = {}): Promise<RunResult> {
      options.signal?.throwIfAborted();
      const { env, cwd, accept = [0], ...rest } = options;
      const fields = execFields(argv, {
        ...(env === undefined ? {} : { env }),
        ...(cwd === undefined ? {} : { cwd }),
        stdin: 'ignore',
        stdout: 'ignore',
        stderr: 'ignore',
      });
      const result = await runThere(acting, [...leaving, ...asWhom(fields, isOther)], rest);
      if (accept !== 'any' && !accept.includes(result.status)) throw new CommandFailed(argv, result);
      return result;
    },
    async exec(argv, options: ExecOptions) {
      // as root where nobody is named: that is whoever we are
      const { uid } = options.user ?? host;
      if (!isOther && uid !== host.uid && uid !== 0) {
        throw new UserError(`only root of ${host.connection.host} can run something as user ${uid}`, {
          status: 4,
          hint: `log in there as that user, or as root: --set host=USER@HOST; exec takes --user ${host.uid}`,
        });
      }
      return await execThere(acting, [...leaving, ...asWhom(execFields(argv, options), isOther)], options);
    },
    async write(path, content, mode = 0o644) {
      const result = await runThere(acting, [...leaving, ['do', 'write'], ['path', path], ['mode', mode]], {
        input: content,
      });
      if (result.status !== 0) throw await explain(acting, `write ${path}`, result.status, result.stderr.toString());
    },
    async untar(stream, into) {
      await untarThere(acting, [...leaving, ['do', 'untar'], ['into', into]], stream, `unpack into ${into}`);
    },
    async *tar(paths) {
      const fields: Fields = [...leaving, ['do', 'tar'], ...paths.map((path) => ['path', path] as const)];
      yield* tarThere(acting, fields);
    },
    async [Symbol.asyncDispose]() {
      if (disposed) return;
      disposed = true;
      await root[Symbol.asyncDispose]();
      await dispose?.();
    },
  };
}

/** Looking at a host, or at an instance of ours there. */
export function rootThere(host: Host, label: string, instance?: InstanceThere): Root {
  if (instance === undefined) return remoteRoot(host, label, [], [host.folder]);
  const { state, tree, bare } = instance;
  const of = bare === true ? [] : ['@state', state];
  return remoteRoot(host, label, [...of, ...(tree === undefined ? [] : ['@root', tree])]);
}

/** Unpacks a tar there by one start of our part. */
export async function untarThere(
  acting: Acting,
  fields: Fields,
  stream: AsyncIterable<Uint8Array>,
  what: string,
): Promise<void> {
  await streamThere(acting, fields, async (child, ended) => {
    let isOpen = true;
    const closed = ended().then(() => (isOpen = false));
    for await (const chunk of stream) {
      if (!isOpen) break;
      if (child.stdin?.write(chunk) !== false) continue;
      const drained = new Promise((resolve) => child.stdin?.once('drain', resolve));
      await Promise.race([drained, closed]);
    }
    child.stdin?.end();
    const { status, said } = await ended();
    if (status !== 0) throw await explain(acting, what, status, said);
  });
}

async function* tarThere(acting: Acting, fields: Fields): AsyncIterable<Uint8Array> {
  const reading = Promise.withResolvers<boolean>();
  const started = Promise.withResolvers<AsyncIterable<Uint8Array>>();
  const done = streamThere(acting, fields, async (child, ended) => {
    child.stdin?.end();
    started.resolve(child.stdout as unknown as AsyncIterable<Uint8Array>);
    return (await reading.promise) ? await ended() : undefined;
  });
  done.catch(started.reject);
  try {
    yield* await started.promise;
    reading.resolve(true);
    const ended = await done;
    if (ended !== undefined && ended.status !== 0) throw await explain(acting, 'pack', ended.status, ended.said);
  } finally {
    reading.resolve(false); // where nobody reads on
    await done.catch(() => {});
  }
}

function whereOf({ state, fields, tree = '/', bare }: InstanceThere): Fields {
  return bare === true
    ? [
        ['root', tree],
        ['@devices', 1],
      ]
    : [['@state', state], ...fields];
}

/** Without root of the host, or of a namespace of ours, there is nobody else to be. */
function asWhom(fields: Fields, isOther: boolean): Fields {
  return isOther ? fields : fields.filter(([key]) => !['uid', 'gid', 'groups'].includes(key));
}

/** One program in an instance of ours, and nothing else: it is joined where it is held, and else held for as long. */
export async function execInstance(
  host: Host,
  label: string,
  instance: InstanceThere,
  argv: Argv,
  options: ExecOptions,
): Promise<number> {
  const acting: Acting = { host, label, fields: whereOf(instance) };
  return await execThere(acting, [['restrict', 1], ...execFields(argv, options)], options);
}
