import type { CondaPackage } from '../spec.ts';
import { artifactAddress } from '../address.ts';
import type { LinkedPath } from '../record.ts';

/** One path of a package as it was linked. */
export interface Linked extends LinkedPath {
  readonly size?: number;
}

/**
 * The record of a package in a prefix, as conda's and its like write it; the same to the byte wherever and whenever it
 * is made.
 */
export function formatRecord(
  row: CondaPackage,
  index: Readonly<Record<string, unknown>>,
  linked: readonly Linked[],
): Buffer {
  const { channel, subdir, file, md5, sha256, size, requested } = row;
  const url =
    channel === undefined || subdir === undefined || file === undefined
      ? undefined
      : artifactAddress(channel, subdir, file);
  const value = {
    ...index,
    ...(channel === undefined ? {} : { channel }),
    files: linked.map(({ path }) => path),
    ...(file === undefined ? {} : { fn: file }),
    link: { source: '', type: 3 },
    ...(md5 === undefined ? {} : { md5 }),
    paths_data: { paths: linked.map(formatPath), paths_version: 1 },
    ...(requested === undefined ? {} : { requested_spec: requested, requested_specs: [requested] }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(size === undefined ? {} : { size }),
    ...(subdir === undefined ? {} : { subdir }),
    ...(url === undefined ? {} : { url }),
  };
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

/** A record that was kept, with the digests of files that another prefix has changed; as it was where it is none. */
export function movedRecord(content: Buffer, changed: ReadonlyMap<string, { sha256: string; size: number }>): Buffer {
  try {
    const value = JSON.parse(content.toString('utf8')) as { paths_data?: { paths?: Record<string, unknown>[] } };
    for (const path of value.paths_data?.paths ?? []) {
      const now = changed.get(String(path['_path']));
      if (now === undefined) continue;
      path['sha256_in_prefix'] = now.sha256;
      path['size_in_bytes'] = now.size;
    }
    return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
  } catch {
    return content;
  }
}

/** What was linked, in conda's own words: enough for `conda list --revisions` and for what was asked for. */
export function formatHistory(packages: readonly CondaPackage[]): Buffer {
  const lines = packages.map(
    ({ name, version, build, channel, subdir }) =>
      `+${channel === undefined ? '' : `${channel}/${subdir ?? 'noarch'}::`}${name}-${version}-${build}`,
  );
  const asked = packages.flatMap(({ requested }) => requested ?? []);
  const specs = asked.length === 0 ? [] : [`# update specs: [${asked.map((one) => JSON.stringify(one)).join(', ')}]`];
  return Buffer.from(['==> 1980-01-01 00:00:00 <==', ...lines, ...specs, ''].join('\n'));
}

function formatPath({ path, type, sha256, sha256InPrefix, placeholder, replace, size }: Linked): object {
  return {
    _path: path,
    path_type: typeNames[type],
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(sha256InPrefix === undefined ? {} : { sha256_in_prefix: sha256InPrefix }),
    ...(size === undefined ? {} : { size_in_bytes: size }),
    ...(placeholder === undefined ? {} : { file_mode: replace, prefix_placeholder: placeholder }),
  };
}

const typeNames: Record<LinkedPath['type'], string> = {
  file: 'hardlink',
  link: 'softlink',
  directory: 'directory',
  compiled: 'pyc_file',
  'entry point': 'unix_python_entry_point',
};
