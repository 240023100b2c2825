import { posix } from 'node:path';

import { byBytes } from '../../../model/index.ts';
import { snapshots } from '../lay/archives.ts';
import { readMirrors } from '../lay/mirrors.ts';
import { mirrorsOf } from '../lay/wanted.ts';
import type { AptOrigin } from '../spec.ts';
import type { Search } from './find-in-lists.ts';
import { suiteAddress } from './release.ts';

/** A suite that may vouch for packages. */
export interface Place {
  /** Of the suite's folder. */
  readonly address: string;
  readonly component: string | undefined;
  /** Which of the packages that are still looked for came from there. */
  keysOf(): readonly string[];
}

/** Where the packages that are looked for came from, the nearest and newest first; the snapshot service comes last. */
export async function placesOf({ open, lock, context }: Search): Promise<readonly Place[]> {
  const mirrors = await readMirrors();
  const near: Place[] = [];
  const late: Place[] = [];
  for (const [key, origin] of Object.entries(lock.origins ?? {}).sort(([a], [b]) => byBytes(a, b))) {
    const keysOf = () =>
      [...open].filter(([, { from, also }]) => from === key || also?.includes(key) === true).map(([sha256]) => sha256);
    const at = (uri: string): Place => ({
      address: suiteAddress({ uri, suite: origin.dist }),
      component: origin.component,
      keysOf,
    });
    near.push(...[...new Set([...mirrorsOf(origin, mirrors), origin.uri])].map(at));
    const old = snapshotOf(origin, context.settings('snapshot'));
    if (old !== undefined) late.push(at(old));
  }
  return [...near, ...late];
}

/** Archives of Debian's that its snapshot service has, as their folders are called. */
const archives = new Set(['debian', 'debian-security', 'debian-backports', 'debian-ports', 'debian-debug']);

/** The archive as it was half a day after its Release file was made: the service has taken it in by then. */
function snapshotOf(
  { origin, uri, label, date }: AptOrigin,
  settings: Readonly<Record<string, unknown>>,
): string | undefined {
  const service = snapshots[origin ?? ''];
  const made = Date.parse(date ?? '');
  if (service === undefined || Number.isNaN(made)) return undefined;
  const set = settings[service.setting];
  const base = (typeof set === 'string' ? set : service.base).replace(/\/+$/, '');
  const time = new Date(Math.min(made + 12 * 60 * 60 * 1000, Date.now()));
  const stamp = time.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  if (service.kind === 'dates') return `${base}/${stamp}`;
  const folder = posix.basename(URL.parse(uri)?.pathname ?? '');
  const named = (label ?? '').toLowerCase().replaceAll(' ', '-');
  const archive = [folder, named].find((name) => archives.has(name)) ?? 'debian';
  return `${base}/archive/${archive}/${stamp}`;
}
