import { localRoot } from '../../roots/local.ts';
import { UserError } from '../../model/index.ts';
import type { Confinement } from '../../contract/index.ts';
import { EngineError, type Engine } from './client.ts';
import { labels } from './image.ts';
import type { Limit } from './kind.ts';
import type { EngineParams, PublishedPort } from './params.ts';

export interface ContainerFacts {
  readonly Id: string;
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly Dead?: boolean;
    readonly Pid?: number;
  };
  readonly Config: { readonly Labels?: Readonly<Record<string, string>> | null };
  readonly Image: string;
  readonly ExecIDs?: readonly string[] | null;
}

export async function inspectContainer(engine: Engine, container: string): Promise<ContainerFacts | undefined> {
  try {
    return (await engine.call('GET', `/containers/${encodeURIComponent(container)}/json`)) as ContainerFacts;
  } catch (error) {
    if (error instanceof EngineError && error.code === 404) return undefined;
    throw error;
  }
}

/** Removes a container, running or not, with its anonymous volumes. Idempotent. */
export async function removeContainer(engine: Engine, container: string): Promise<void> {
  for (let tries = 0; tries < 50; tries += 1) {
    try {
      await engine.call('DELETE', `/containers/${encodeURIComponent(container)}`, { query: { force: 1, v: 1 } });
      engine.kind.removed?.(container, engine.endpoint);
      return;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (error.code === 404) return;
      // 409: its removal is under way; podman gives another, once, for one whose removal was broken off
      if (error.code !== 409 && tries >= 3) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  throw new UserError(`${engine.label} does not remove the container ${container}`);
}

/** What a container is created from; see https://docs.docker.com/reference/api/engine/#tag/Container/operation/ContainerCreate. */
export function containerConfig(what: {
  readonly image: string;
  readonly name: string;
  readonly token: string;
  readonly keeper: readonly string[];
  readonly init: boolean;
  readonly confinement: Confinement;
  readonly params: EngineParams;
  readonly limits: readonly Limit[];
  readonly gpus: readonly object[];
}): unknown {
  const { confinement, params } = what;
  const ports = params.ports ?? [];
  return {
    Image: what.image,
    Hostname: what.name.slice(0, 63),
    Entrypoint: [],
    Cmd: what.keeper,
    Env: params.env ?? [],
    ...(params.user !== undefined && { User: params.user }),
    ...(params.workdir !== undefined && { WorkingDir: params.workdir }),
    ...(ports.length > 0 && { ExposedPorts: Object.fromEntries(ports.map(({ inside }) => [inside, {}])) }),
    OpenStdin: true,
    Labels: { ...pairsOf(params.labels), [labels.instance]: what.name, [labels.token]: what.token },
    HostConfig: {
      Init: what.init,
      NetworkMode: confinement.network === 'none' ? 'none' : params.network,
      SecurityOpt: ['no-new-privileges'],
      IpcMode: 'private',
      ...(params.memory !== undefined && { Memory: params.memory }),
      ...(params.cpus !== undefined && { NanoCpus: Math.round(params.cpus * 1e9) }),
      ...(params.pids !== undefined && { PidsLimit: params.pids }),
      ...(params.shm !== undefined && { ShmSize: params.shm }),
      ...(ports.length > 0 && { PortBindings: bindingsOf(ports) }),
      ...(what.limits.length > 0 && { Ulimits: what.limits }),
      ...(what.gpus.length > 0 && { DeviceRequests: what.gpus }),
      Mounts: confinement.mounts.map(({ source, path, readonly }) => ({
        Type: 'bind',
        Source: source,
        Target: path,
        ReadOnly: readonly,
      })),
    },
  };
}

/** `NAME=VALUE` pairs as a record. */
export function pairsOf(pairs: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

function bindingsOf(ports: readonly PublishedPort[]): Record<string, unknown> {
  const byInside = Map.groupBy(ports, ({ inside }) => inside);
  const outside = ({ address, port }: PublishedPort) => ({ HostIp: address, HostPort: port });
  return Object.fromEntries([...byInside].map(([inside, all]) => [inside, all.map(outside)]));
}

const loop = 'trap "exit 0" TERM; while :; do tail -f /dev/null & wait $!; done';

/**
 * What keeps a container running without doing anything, from what its root has. With the engine's own init (which
 * reaps what is orphaned) in front of it, or else a shell that does.
 */
export async function keeperFor(directory: string, init: boolean): Promise<readonly string[]> {
  const paths = ['/bin/tail', '/bin/sh', '/bin/sleep', '/bin/cat', '/usr/bin/perl'];
  const found = await localRoot(directory).realpath(paths);
  const [hasTail, hasShell, hasSleep, hasCat, hasPerl] = found.map((path) => path !== undefined);
  if (!init && hasShell === true && hasTail === true) return ['/bin/sh', '-c', loop];
  if (hasTail === true) return ['/bin/tail', '-f', '/dev/null'];
  if (hasSleep === true) return ['/bin/sleep', 'infinity'];
  // these two wait for an input that never comes (`OpenStdin`)
  if (hasCat === true) return ['/bin/cat'];
  if (hasShell === true) return ['/bin/sh'];
  if (hasPerl === true) return ['/usr/bin/perl', '-e', 'sleep'];
  throw new UserError('nothing in this root can keep a container running', {
    hint: 'it needs one of tail, sleep, cat, sh, perl; choose backend chroot, which needs none',
    status: 4,
  });
}
