import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { sha256 } from '../../src/model/index.ts';
import { buildHeader, bytes, int32, texts, types, type Entry } from '../../src/toolkits/rpm/lay/build-header.ts';
import { tags } from '../../src/toolkits/rpm/header.ts';
import { rpmDatabases } from './rpm-databases.ts';

/** A file of a small package: its content, or where a link leads; `flags` as rpm has them. */
export interface SmallFile {
  readonly path: string;
  readonly content?: string;
  readonly link?: string;
  readonly flags?: number;
}

export interface SmallRpm {
  readonly name: string;
  readonly epoch?: number;
  readonly version: string;
  readonly release: string;
  readonly architecture?: string;
  readonly files: readonly SmallFile[];
  readonly requires?: readonly string[];
  readonly provides?: readonly string[];
}

const time = 1_600_000_000;

/** A header as rpm's database has it. */
export function smallHeader(of: SmallRpm): Buffer {
  const folders = [...new Set(of.files.map(({ path }) => `${dirname(path)}/`.replace('//', '/')))];
  const of16 = (tag: number, values: readonly number[]): Entry => {
    const data = Buffer.alloc(values.length * 2);
    for (const [index, value] of values.entries()) data.writeUInt16BE(value, index * 2);
    return { tag, type: types.int16, count: values.length, data };
  };
  const one = (tag: number, value: string) => texts(tag, [value], types.text);
  const { files } = of;
  const provides = [of.name, ...(of.provides ?? [])];
  const requires = of.requires ?? [];
  return buildHeader([
    one(tags.name, of.name),
    one(tags.version, of.version),
    one(tags.release, of.release),
    ...(of.epoch === undefined ? [] : [int32(tags.epoch, [of.epoch])]),
    one(tags.architecture, of.architecture ?? 'noarch'),
    int32(1006, [time]),
    texts(tags.provides, provides),
    texts(tags.provideVersions, [`${of.version}-${of.release}`, ...(of.provides ?? []).map(() => '')]),
    texts(tags.requires, requires),
    texts(
      tags.requireVersions,
      requires.map(() => ''),
    ),
    int32(
      tags.requireFlags,
      requires.map(() => 0),
    ),
    bytes(tags.sigMd5, Buffer.alloc(16, 7)),
    one(tags.sha1Header, '0'.repeat(40)),
    int32(tags.digestAlgorithm, [8]),
    int32(
      tags.fileSizes,
      files.map(({ content, link }) => Buffer.byteLength(content ?? link ?? '')),
    ),
    of16(
      tags.fileModes,
      files.map(({ link }) => (link === undefined ? 0o100644 : 0o120777)),
    ),
    int32(
      tags.fileTimes,
      files.map(() => time),
    ),
    texts(
      tags.fileDigests,
      files.map(({ content }) => (content === undefined ? '' : sha256(content))),
    ),
    texts(
      tags.fileLinks,
      files.map(({ link }) => link ?? ''),
    ),
    int32(
      tags.fileFlags,
      files.map(({ flags }) => flags ?? 0),
    ),
    texts(
      tags.fileUsers,
      files.map(() => 'root'),
    ),
    texts(
      tags.fileGroups,
      files.map(() => 'root'),
    ),
    int32(
      tags.fileVerify,
      files.map(() => 0xffffffff),
    ),
    int32(
      tags.directoryIndexes,
      files.map(({ path }) => folders.indexOf(`${dirname(path)}/`.replace('//', '/'))),
    ),
    texts(
      tags.baseNames,
      files.map(({ path }) => path.slice(path.lastIndexOf('/') + 1)),
    ),
    texts(tags.directoryNames, folders),
  ]);
}

/** Lays a root of these packages, with a database of that form. */
export function laySmallRoot(
  directory: string,
  packages: readonly SmallRpm[],
  format: keyof typeof rpmDatabases = 'ndb',
): void {
  for (const { path, content, link } of packages.flatMap(({ files }) => files)) {
    const at = join(directory, path);
    mkdirSync(dirname(at), { recursive: true });
    if (link !== undefined) symlinkSync(link, at);
    else if (content !== undefined) {
      writeFileSync(at, content, { mode: 0o644 });
      utimesSync(at, time, time);
    }
  }
  const { file, of } = rpmDatabases[format];
  mkdirSync(join(directory, 'var/lib/rpm'), { recursive: true });
  writeFileSync(join(directory, 'var/lib/rpm', file), of(packages.map(smallHeader)));
}

/** A system of three packages: links into /usr, an epoch, a configuration file, a ghost. */
export const smallSystem: readonly SmallRpm[] = [
  {
    name: 'filesystem',
    version: '3.8',
    release: '6.el8',
    files: [
      { path: '/bin', link: 'usr/bin' },
      { path: '/etc/os-release', content: 'ID="centos"\nVERSION_ID="8"\nID_LIKE="rhel fedora"\n' },
      { path: '/etc/passwd', content: 'root:x:0:0::/root:/bin/sh\n', flags: 1 },
    ],
  },
  {
    name: 'dash',
    epoch: 1,
    version: '0.5~rc1',
    release: '2.el8',
    architecture: 'x86_64',
    provides: ['/bin/sh'],
    requires: ['filesystem', 'rpmlib(CompressedFileNames)'],
    files: [{ path: '/usr/bin/sh', content: 'a shell\n' }],
  },
  {
    name: 'tool',
    version: '1.0',
    release: '1',
    architecture: 'x86_64',
    requires: ['/bin/sh', '(filesystem if dash)'],
    files: [
      { path: '/usr/bin/tool', content: 'a tool\n' },
      { path: '/etc/tool.conf', content: 'a = 1\n', flags: 17 },
      { path: '/var/lib/tool', flags: 64 },
    ],
  },
];
