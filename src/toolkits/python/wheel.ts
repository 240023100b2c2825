import { closeSync, fstatSync, openSync } from 'node:fs';
import { posix } from 'node:path';

import { isSafeAbsolute, UserError } from '../../model/index.ts';
import { refused } from '../../roots/refused.ts';
import { fileSource, readZipDirectory, readZipMember, type ZipMember, type ZipSource } from '../../roots/zip.ts';
import { normalizeName, type WheelInfo } from './metadata.ts';
import { parseRecord, recordSha256, type RecordEntry } from './record.ts';

/** What a wheel's name says ("Binary distribution format", packaging.python.org). */
export interface WheelName {
  readonly name: string;
  readonly version: string;
  readonly build?: string;
  /** Every tag on its own. */
  readonly tags: ReadonlySet<string>;
}

export function parseWheelName(file: string): WheelName | undefined {
  const [, name, version, build, python, abi, platform] =
    /^([\w.]+)-([\w.!+]+?)(?:-(\d[\w.]*))?-([\w.]+)-([\w.]+)-([\w.]+)\.whl$/.exec(file) ?? [];
  if (name === undefined || version === undefined || file.length > 512) return undefined;
  const tags = new Set<string>();
  for (const one of python?.split('.') ?? []) {
    for (const two of abi?.split('.') ?? [])
      for (const three of platform?.split('.') ?? []) tags.add(`${one}-${two}-${three}`);
  }
  return { name: normalizeName(name), version, ...(build === undefined ? {} : { build }), tags };
}

/** Whether a wheel of this name may be the one that wrote this WHEEL file. */
export function isFileOf(file: WheelName, { tags, build }: WheelInfo): boolean {
  if (file.build !== build) return false;
  // a repaired wheel has more tags in its name than inside, or the other way round
  return tags.length === 0 || tags.some((tag) => file.tags.has(tag));
}

/** Where an installation puts things, relative to its top. */
export interface Scheme {
  /** `lib/python3.11/site-packages`. */
  readonly site: string;
  /** `python3.11`. */
  readonly python: string;
}

/** Where a file of a wheel may go to; several for headers, whose folder depends on the installer. */
export function installedPaths(path: string, { site, python }: Scheme, project: string): string[] {
  const [, root, kind, rest] = /^([^/]+\.data)\/([^/]+)\/(.+)$/.exec(path) ?? [];
  if (root === undefined || kind === undefined || rest === undefined) return safe([`${site}/${path}`]);
  switch (kind) {
    case 'purelib':
    case 'platlib':
      return safe([`${site}/${rest}`]);
    case 'scripts':
      return safe([`bin/${rest}`]);
    case 'data':
      return safe([rest]);
    case 'headers':
      return safe([`include/site/${python}/${project}/${rest}`, `include/${python}/${project}/${rest}`]);
    default:
      return [];
  }
}

/** Whether a file of a wheel is a script whose first line an installer may rewrite. */
export function isScript(path: string): boolean {
  return /^[^/]+\.data\/scripts\//.test(path);
}

/** Whether a file of a wheel is about the wheel itself, and is not installed as it is. */
export function isAboutWheel(path: string): boolean {
  return /^[^/]+\.dist-info\/RECORD(?:\.jws|\.p7s)?$/.test(path);
}

/** A wheel that can be read. */
export interface Wheel {
  readonly members: readonly ZipMember[];
  /** The whole content of one. */
  read(member: ZipMember): Promise<Buffer>;
  /** The folder of its metadata. */
  readonly info: string;
}

/** Opens a wheel from wherever its bytes are; throws UserError for what is none. */
export async function openWheel(source: ZipSource): Promise<Wheel | undefined> {
  const members = (await readZipDirectory(source)).filter(({ name }) => !name.endsWith('/'));
  const outside = members.find(({ name }) => !isSafeAbsolute(`/${name}`));
  if (outside !== undefined) throw refused(source.label, outside.name);
  const info = members.find(({ name }) => /^[^/]+\.dist-info\/RECORD$/.test(name));
  if (info === undefined) return undefined;
  return {
    members,
    info: posix.dirname(info.name),
    read: async (member) => await readZipMember(source, member),
  };
}

/** A wheel in a file of this machine, until it is disposed of. Throws UserError for what is none. */
export async function openWheelFile(file: string, label: string): Promise<Wheel & Disposable> {
  const fd = openSync(file, 'r');
  try {
    const wheel = await openWheel(fileSource(fd, fstatSync(fd).size, label));
    if (wheel === undefined) throw new UserError(`${label} is no wheel: it has no RECORD`);
    return { ...wheel, [Symbol.dispose]: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The RECORD of a wheel. */
export async function wheelRecord(wheel: Wheel): Promise<readonly RecordEntry[]> {
  const member = wheel.members.find(({ name }) => name === `${wheel.info}/RECORD`);
  return member === undefined ? [] : parseRecord(await wheel.read(member));
}

/**
 * What this wheel gives an installation, by path below its top and sha256, where the installed files are those of this
 * very wheel by the two RECORDs: every file of the one is in the other, with the same hash, but for scripts.
 */
export function suppliedBy(
  record: readonly RecordEntry[],
  installed: ReadonlyMap<string, string>,
  scheme: Scheme,
  project: string,
): ReadonlyMap<string, string> | undefined {
  const supplied = new Map<string, string>();
  for (const { path, hash } of record) {
    if (isAboutWheel(path)) continue;
    const sha256 = recordSha256(hash);
    const place = installedPaths(path, scheme, project).find((one) => installed.get(one) === sha256);
    if (place !== undefined && sha256 !== undefined) supplied.set(place, sha256);
    else if (!isScript(path)) return undefined;
  }
  return supplied.size === 0 ? undefined : supplied;
}

function safe(paths: readonly string[]): string[] {
  return paths.filter((path) => isSafeAbsolute(`/${path}`));
}
