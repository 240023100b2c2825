import { cutSecrets } from '../../formats/spec/secrets.ts';
import type { Context, Ran } from '../../contract/index.ts';
import { runProcess } from '../../sessions/process.ts';
import { labelsOf, member } from '../../formats/image/sif.ts';
import type { Use } from './uses.ts';

/** What an engine knows of an image. */
export interface Inspected {
  /** Of a container's image, how it was named when that was made. */
  readonly name?: string;
  /** The digest of its configuration: the engine's own name of it. */
  readonly id?: string;
  /** By which registries have it: `debian@sha256:…`. */
  readonly digests: readonly string[];
  readonly architecture?: string;
  readonly size?: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** What the engines' programs need of an environment to find their daemon and storage. */
const variables = [
  'PATH HOME XDG_RUNTIME_DIR XDG_DATA_HOME XDG_CONFIG_HOME',
  'DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG DOCKER_TLS_VERIFY DOCKER_CERT_PATH',
  'CONTAINER_HOST CONTAINER_CONNECTION CONTAINERS_CONF CONTAINERD_ADDRESS CONTAINERD_NAMESPACE',
].flatMap((line) => line.split(' '));

/**
 * Asks the engine that the run itself used, by the same program and the same options before the verb. Undefined where
 * it has none to ask, does not answer within five seconds, or no longer knows.
 */
export async function inspectImage(use: Use, env: Ran['env'], context: Context): Promise<Inspected | undefined> {
  if (!/^(?:docker|podman|nerdctl)$/.test(use.engine)) return undefined;
  const given = Object.fromEntries(variables.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
  const ask = async (...words: readonly string[]): Promise<unknown> => {
    const result = await runProcess([use.program, ...use.globals, ...words], {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...given, LC_ALL: 'C.UTF-8' },
      accept: 'any',
      timeoutMs: 5000,
      limit: 8 * 1024 * 1024,
      signal: context.signal,
    }).catch((error: unknown) => {
      context.signal.throwIfAborted();
      void error; // it wrote too much, say: no answer
    });
    return result?.status === 0 ? parseInspected(result.stdout.toString('utf8')) : undefined;
  };
  if (use.of === 'image') return toInspected(await ask('image', 'inspect', '--', use.reference));
  const container = await ask('container', 'inspect', '--', use.reference);
  const id = text(member(container, 'Image'), /^[\w:.@/-]{1,300}$/);
  const found = id === undefined ? undefined : toInspected(await ask('image', 'inspect', '--', id));
  const name = text(
    member(member(container, 'Config'), 'Image') ?? member(container, 'ImageName'),
    /^[\w:.@/-]{1,300}$/,
  );
  return found === undefined || name === undefined ? found : { ...found, name };
}

/** The first entry of what `inspect` writes. */
export function parseInspected(json: string): unknown {
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) ? (value as unknown[])[0] : value;
  } catch {
    return undefined;
  }
}

/** Docker's and podman's forms of one image. */
export function toInspected(value: unknown): Inspected | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const id = text(member(value, 'Id'), /^(?:sha256:)?[0-9a-f]{64}$/);
  const listed = member(value, 'RepoDigests');
  const digests = Array.isArray(listed)
    ? (listed as unknown[]).flatMap((one) => text(one, /^[\w./:-]{1,300}@sha256:[0-9a-f]{64}$/) ?? [])
    : [];
  const size = member(value, 'Size');
  const architecture = text(member(value, 'Architecture'), /^[\w-]{1,30}$/);
  const labels = labelsOf(member(member(value, 'Config'), 'Labels') ?? member(value, 'Labels'));
  return {
    ...(id === undefined ? {} : { id: id.startsWith('sha256:') ? id : `sha256:${id}` }),
    digests: [...new Set(digests)].sort(),
    ...(architecture === undefined ? {} : { architecture }),
    ...(typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? { size } : {}),
    labels,
  };
}

/** Labels that may be written down, sorted. */
export function publicLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const cut = cutSecrets({ argv: [], env: labels }).env;
  const kept = Object.entries(labels).filter(([name, value]) => cut[name] === value && value !== '');
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function text(value: unknown, shape: RegExp): string | undefined {
  return typeof value === 'string' && shape.test(value) ? value : undefined;
}
