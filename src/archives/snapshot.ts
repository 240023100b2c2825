import type { Context, Source } from '../contract/index.ts';
import { UserError } from '../model/index.ts';
import { readBody } from './get-bytes.ts';
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
  const silent = unreachable.get(base);
  if (silent !== undefined && Date.now() < silent.until) {
    yield { kind: 'snapshot', label: `${base} (${silent.because})`, file: '' };
    return;
  }
  const address = `${base}/mr/binary/${encodeURIComponent(name)}/${encodeURIComponent(version)}/binfiles?fileinfo=1`;
  try {
    const hashes = await snapshotTurns(new URL(base).host, () => ask(address, architecture, context.signal));
    for (const hash of hashes) yield source(`${base}/file/${hash}`);
    if (hashes.length === 0) yield { kind: 'snapshot', label: `${base} (has no file of ${architecture})`, file: '' };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof UserError)) throw error;
    // no answer at all: others need not wait for the same
    if (error.cause !== undefined) unreachable.set(base, { until: Date.now() + 60_000, because: error.message });
    yield { kind: 'snapshot', label: `${base} (${error.message})`, file: '' };
  }
}

/** Services that could not be reached a moment ago, and why. */
const unreachable = new Map<string, { readonly until: number; readonly because: string }>();

/** The sha1s of this architecture's files; throws what `get` throws, so that it is known why there is none. */
async function ask(address: string, architecture: string, signal: AbortSignal): Promise<string[]> {
  const body = await readBody(await get(address, { signal }), 1024 * 1024, address);
  const result = (parseJson(body) as { result?: unknown } | undefined)?.result;
  if (!Array.isArray(result)) return [];
  return result.flatMap((file: unknown) => {
    const { hash, architecture: of } = (file ?? {}) as { hash?: unknown; architecture?: unknown };
    return typeof hash === 'string' && /^[0-9a-f]{40}$/.test(hash) && of === architecture ? [hash] : [];
  });
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
