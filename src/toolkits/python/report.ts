import { isProjectName } from './metadata.ts';

/** One package that pip would install. */
export interface Reported {
  readonly name: string;
  readonly version: string;
  readonly url: string;
  /** Absent where an index does not tell it. */
  readonly sha256?: string;
  readonly requested: boolean;
}

/** An installation report of pip ("Installation Report", pip's documentation). */
export function parseReport(bytes: Uint8Array): Reported[] {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return [];
  }
  const { install } = objectOf(value);
  if (!Array.isArray(install)) return [];
  return install.slice(0, 20_000).flatMap((item: unknown): Reported[] => {
    const { download_info: download, metadata, requested } = objectOf(item);
    const { name, version } = objectOf(metadata);
    const { url, archive_info: archive } = objectOf(download);
    const { hash, hashes } = objectOf(archive);
    const named = objectOf(hashes)['sha256'];
    const sha256 = typeof named === 'string' ? named : /^sha256=(.*)$/.exec(typeof hash === 'string' ? hash : '')?.[1];
    if (typeof name !== 'string' || !isProjectName(name) || typeof version !== 'string' || typeof url !== 'string')
      return [];
    if (!/^[\w.!+-]{1,128}$/.test(version)) return [];
    const digest = sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256) ? { sha256 } : {};
    return [{ name, version, url, ...digest, requested: requested === true }];
  });
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
