import { UserError } from '../../model/index.ts';
import type { Instance, InstanceRecord, InstanceStatus } from '../../contract/index.ts';
import type { Instead } from '../../roots/tar-index.ts';
import { EngineError, type Engine } from './client.ts';
import { execDirect } from './direct.ts';
import { isExecuting } from './exec.ts';
import type { Direct, EngineKind } from './kind.ts';
import { inspectContainer, removeContainer, type ContainerFacts } from './container.ts';
import { inspectImage, labels } from './image.ts';
import { readOriginals } from './originals.ts';
import type { EngineParams } from './params.ts';
import { containerSession, executionOf } from './session.ts';

/** What the record of an instance says for this backend. */
export interface ContainerRecord {
  /** The daemon's address. */
  readonly host: string;
  /** The container's name. */
  readonly container: string;
  /** Its number, which no other one will ever have; absent while it is made. */
  readonly id?: string;
  /** What its label must say for it to be ours. */
  readonly token: string;
  /** Paths that starting it adds to its root: mount points. */
  readonly added: readonly string[];
}

export function readFacts(record: InstanceRecord): ContainerRecord | undefined {
  const { host, container, token, added, id } = record.facts;
  if (typeof host !== 'string' || typeof container !== 'string' || typeof token !== 'string') return undefined;
  const paths = Array.isArray(added) ? added.map(String) : [];
  return { host, container, token, added: paths, ...(typeof id === 'string' && { id }) };
}

/** The container of a record; undefined where it is gone, or another has its name. */
export async function findContainer(engine: Engine, facts: ContainerRecord): Promise<ContainerFacts | undefined> {
  const found = await inspectContainer(engine, facts.container);
  return found?.Config.Labels?.[labels.token] === facts.token ? found : undefined;
}

export function engineInstance(engine: Engine, name: string, facts: ContainerRecord, params: EngineParams): Instance {
  const must = async (): Promise<ContainerFacts> => {
    const found = await findContainer(engine, facts);
    if (found !== undefined) return found;
    throw new UserError(`the container of ${name} is gone from ${engine.label}`, {
      hint: `repronim delete ${name}, and create it again`,
    });
  };
  const start = async (): Promise<void> => {
    const { Id } = await must();
    await engine.call('POST', `/containers/${Id}/start`); // 304 where it runs already
  };
  const stop = async (): Promise<void> => {
    const { Id } = await must();
    await engine.call('POST', `/containers/${Id}/stop`, { query: { t: 2 } });
  };

  return {
    name,
    async status(): Promise<InstanceStatus> {
      const found = await findContainer(engine, facts);
      if (found === undefined) return 'gone';
      if (isLost(engine, found.State)) return 'broken';
      if (found.State.Running) return 'running';
      return found.State.Dead === true || found.State.Status === 'removing' ? 'broken' : 'stopped';
    },
    start,
    stop,
    async session() {
      const { Id, Image } = await must();
      let isOurs = false;
      let originals: Promise<Instead> | undefined;
      return containerSession({
        engine,
        container: Id,
        name,
        params,
        async ensureRunning() {
          const { State } = await must();
          if (isLost(engine, State)) {
            throw new UserError(`what ran in ${name} was killed, and ${engine.label} has not noticed`, {
              hint: `it cannot start it again: repronim delete ${name}, and create it again`,
            });
          }
          if (State.Running) return;
          await start();
          isOurs = true;
        },
        instead: async () => await (originals ??= readOriginalsOf(engine, Image, facts)),
        async leave() {
          if (!isOurs) return;
          const now = await findContainer(engine, facts);
          if (now?.State.Running !== true || (await isAnyoneIn(engine, now.ExecIDs ?? []))) return;
          await stop().catch((error: unknown) => {
            if (!(error instanceof EngineError)) throw error;
          });
        },
      });
    },
    async remove() {
      const found = await findContainer(engine, facts);
      if (found !== undefined) await removeContainer(engine, found.Id);
    },
  };
}

/**
 * The same, where the engine's own program is the shorter way in: as long as the container runs, `exec` needs no service
 * at all, and whatever else is asked for gets one then.
 */
export function directInstance(
  direct: Direct,
  what: { readonly name: string; readonly id: string; readonly kind: EngineKind; readonly params: EngineParams },
  served: () => Promise<Instance>,
): Instance {
  const { name, id, kind, params } = what;
  return {
    name,
    status: async () => await (await served()).status(),
    start: async () => await (await served()).start(),
    stop: async () => await (await served()).stop(),
    session: async () => await (await served()).session(),
    remove: async () => await (await served()).remove(),
    async exec(argv, options) {
      options.signal?.throwIfAborted();
      if (kind.isRunning?.(id) === true) {
        return await execDirect(direct, id, executionOf(argv, options, params), options);
      }
      await using session = await (await served()).session();
      return await session.exec(argv, options);
    },
  };
}

function isLost({ kind, endpoint }: Engine, { Running, Pid }: ContainerFacts['State']): boolean {
  return Running && Pid !== undefined && Pid > 0 && kind.isLost?.(Pid, endpoint) === true;
}

/** Whether one of these programs is running still: podman lists them for minutes after they have ended. */
async function isAnyoneIn(engine: Engine, programs: readonly string[]): Promise<boolean> {
  for (const id of programs) if (await isExecuting(engine, id)) return true;
  return false;
}

async function readOriginalsOf(engine: Engine, image: string, facts: ContainerRecord): Promise<Instead> {
  const found = await inspectImage(engine, image);
  return readOriginals(found?.Config?.Labels?.[labels.originals], facts.added);
}
