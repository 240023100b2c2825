import type { Context, Source } from '../contract/index.ts';
import { UserError } from '../model/index.ts';
import { get } from './http.ts';
import { snapshotTurns } from './turns.ts';

/** One service that keeps every version that an archive ever had. */
export interface SnapshotService {
  /** Its key in the table `[snapshot]` of the configuration. */
  readonly setting: string;
  /** `files`: found by name and version (snapshot.debian.org's API); `dates`: the archive as it was at a time. */
  readonly kind: 'files' | 'dates';
  readonly base: string;
}

/** A binary package, and what is known of where it was. */
export interface SnapshotQuery {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Within the archive: `pool/main/…`. */
  readonly path?: string;
  /** When it is known to have been there: `YYYY-MM-DDTHH:MM:SSZ`. */
  readonly date?: string;
}

/**
 * Where a snapshot service has a package: addresses of the .deb. It is asked politely (at most two questions at a
 * time; `get` waits when it is told to). When it has none, or can't be asked, that is a source that is not there, so
 * that people read why.
 */
export async function* snapshotSources(
  service: SnapshotService,
  query: SnapshotQuery,
  context: Context,
): AsyncGenerator<Source, void, undefined> {
  const set = context.settings('snapshot')[service.setting];
  const base = (typeof set === 'string' ? set : service.base).replace(/\/+$/, '');
  if (URL.parse(base) === null) return;
  const source = (url: string): Source => ({ kind: 'snapshot', label: url, url });
  if (service.kind === 'dates') {
    if (query.date === undefined || query.path === undefined) return;
    yield source(`${base}/${query.date.replaceAll(/[-:]/g, '')}/${query.path}`);
    return;
  }
  const { name, version, architecture } = query;
  const address = `${base}/mr/binary/${encodeURIComponent(name)}/${encodeURIComponent(version)}/binfiles?fileinfo=1`;
  try {
    const hashes = await snapshotTurns(new URL(base).host, () => ask(address, architecture, context.signal));
    for (const hash of hashes) yield source(`${base}/file/${hash}`);
    if (hashes.length === 0) yield { kind: 'snapshot', label: `${base} (has no file of ${architecture})`, file: '' };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof UserError)) throw error;
    yield { kind: 'snapshot', label: `${base} (${error.message})`, file: '' };
  }
}

/** The sha1s of this architecture's files; throws what `get` throws, so that it is known why there is none. */
async function ask(address: string, architecture: string, signal: AbortSignal): Promise<string[]> {
  const response = await get(address, { signal });
  const answer: unknown = await response.json().catch(() => undefined);
  const result = (answer as { result?: unknown } | undefined)?.result;
  if (!Array.isArray(result)) return [];
  return result.flatMap((file: unknown) => {
    const { hash, architecture: of } = (file ?? {}) as { hash?: unknown; architecture?: unknown };
    return typeof hash === 'string' && /^[0-9a-f]{40}$/.test(hash) && of === architecture ? [hash] : [];
  });
}
