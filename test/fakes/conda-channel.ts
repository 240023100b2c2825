import { mkdirSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { crc32, zstdCompressSync } from 'node:zlib';

import { runProcess } from '../../src/sessions/process.ts';
import { byBytes, sha256 } from '../../src/model/index.ts';
import { writeTar, type TarMember } from '../../src/toolkits/trees/tar.ts';

/** One file of a package: text or bytes, or a link's target. */
export interface CondaFile {
  readonly content?: string | Uint8Array;
  readonly link?: string;
  /** Default 0o644. */
  readonly mode?: number;
  /** How the build prefix in it is replaced when it is installed. */
  readonly replace?: 'text' | 'binary';
}

/** A package as its builder would describe it. */
export interface CondaBuild {
  readonly name: string;
  readonly version: string;
  readonly build?: string;
  readonly depends?: readonly string[];
  /** `NAME = module:function`. Only of `noarch: python`. */
  readonly entryPoints?: readonly string[];
  readonly noarch?: 'python' | 'generic';
  readonly format?: 'conda' | 'tar.bz2';
  readonly files: Readonly<Record<string, CondaFile>>;
}

export interface BuiltConda {
  readonly file: string;
  readonly bytes: Buffer;
  readonly index: Readonly<Record<string, unknown>>;
  readonly subdir: 'linux-64' | 'noarch';
}

/** What stands for the prefix in built files: long, as builders make it, so that most prefixes fit. */
export const placeholder = `/home/conda/feedstock_root/build_artifacts/x/_h_env_${'placehold_'.repeat(20)}`;

/** A package in the format of https://docs.conda.io/projects/conda-build/en/stable/resources/package-spec.html. */
export async function buildConda(of: CondaBuild): Promise<BuiltConda> {
  const build = of.build ?? '0';
  const subdir = of.noarch === undefined ? 'linux-64' : 'noarch';
  const index = {
    ...(of.noarch === undefined ? { arch: 'x86_64', platform: 'linux' } : { noarch: of.noarch }),
    name: of.name,
    version: of.version,
    build,
    build_number: 0,
    depends: of.depends ?? [],
    license: 'MIT',
    subdir,
    timestamp: 1700000000000,
  };
  const entries = Object.entries(of.files).toSorted(([a], [b]) => byBytes(a, b));
  const payload = entries.map(([path, { content = '', link, mode = 0o644 }]) =>
    member(path, typeof content === 'string' ? Buffer.from(content) : content, mode, link),
  );
  const paths = entries.map(([path, { content = '', link, replace }]) => ({
    _path: path,
    path_type: link === undefined ? 'hardlink' : 'softlink',
    sha256: sha256(link === undefined ? content : ''),
    size_in_bytes: link === undefined ? Buffer.from(content as string).length : 0,
    ...(replace === undefined ? {} : { file_mode: replace, prefix_placeholder: placeholder }),
  }));
  const info: Record<string, unknown> = {
    'info/about.json': {},
    'info/index.json': index,
    'info/paths.json': { paths, paths_version: 1 },
    ...(of.noarch === 'python'
      ? {
          'info/link.json': {
            noarch: { type: 'python', entry_points: of.entryPoints ?? [] },
            package_metadata_version: 1,
          },
        }
      : {}),
  };
  const about = Object.entries(info).map(([path, value]) =>
    member(path, Buffer.from(`${JSON.stringify(value, null, 2)}\n`), 0o644),
  );
  about.push(member('info/files', Buffer.from(entries.map(([path]) => `${path}\n`).join('')), 0o644));
  const stem = `${of.name}-${of.version}-${build}`;
  const bytes =
    of.format === 'tar.bz2'
      ? (await runProcess(['bzip2', '--compress', '--stdout'], { input: await tarOf([...about, ...payload]) })).stdout
      : zipOf({
          'metadata.json': Buffer.from('{"conda_pkg_format_version": 2}'),
          [`pkg-${stem}.tar.zst`]: zstdCompressSync(await tarOf(payload)),
          [`info-${stem}.tar.zst`]: zstdCompressSync(await tarOf(about)),
        });
  return { file: `${stem}.${of.format ?? 'conda'}`, bytes, index, subdir };
}

/** A channel as a folder that can be served: packages below their subdir, and `repodata.json`. */
export function writeChannel(folder: string, packages: readonly BuiltConda[]): void {
  for (const subdir of ['linux-64', 'noarch'] as const) {
    mkdirSync(join(folder, subdir), { recursive: true });
    const found = packages.filter((one) => one.subdir === subdir);
    const listed = (end: string) =>
      Object.fromEntries(
        found
          .filter(({ file }) => file.endsWith(end))
          .map(({ file, bytes, index }) => [
            file,
            {
              ...index,
              md5: createHash('md5').update(bytes).digest('hex'),
              sha256: sha256(bytes),
              size: bytes.length,
            },
          ]),
      );
    for (const { file, bytes } of found) writeFileSync(join(folder, subdir, file), bytes);
    const repodata = {
      info: { subdir },
      packages: listed('.tar.bz2'),
      'packages.conda': listed('.conda'),
      removed: [],
      repodata_version: 1,
    };
    writeFileSync(join(folder, subdir, 'repodata.json'), JSON.stringify(repodata, null, 1));
  }
}

function member(path: string, bytes: Uint8Array, mode: number, link?: string): TarMember {
  const common = { path, mode, uid: 0, gid: 0, mtime: 1700000000 };
  if (link !== undefined) return { entry: { ...common, type: 'link', target: link } };
  return { entry: { ...common, type: 'file', size: bytes.length }, content: [bytes] };
}

async function tarOf(members: readonly TarMember[]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeTar(members)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A zip whose members are stored, as .conda wants them. */
function zipOf(members: Readonly<Record<string, Buffer>>): Buffer {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const [name, bytes] of Object.entries(members)) {
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x21, 8); // 1980-01-01
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(bytes.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), bytes]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(at, 10);
    central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\0'), common, tail, Buffer.from(name)]));
    parts.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(central.length, 8);
  end.writeUInt16LE(central.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, directory, end]);
}
