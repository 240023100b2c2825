import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';

import { openStore } from '../../src/archives/store.ts';
import { readCpio } from '../../src/toolkits/rpm/lay/cpio.ts';
import { compressionOf, decompressed } from '../../src/roots/decompress.ts';
import { archiveRoot } from '../../src/roots/image/open.ts';
import { readDiffIds, readIndex, readManifest, readSaved } from '../../src/roots/image/manifest.ts';
import { readManifest as readOwners } from '../../src/roots/manifest.ts';
import { fileSource, readZipDirectory, readZipMember } from '../../src/roots/zip.ts';
import { tarRoot } from '../../src/roots/tar.ts';
import { readAr } from '../../src/toolkits/apt/lay/ar.ts';
import { openWheelFile, wheelRecord } from '../../src/toolkits/python/wheel.ts';
import { openArtifact } from '../../src/distributions/conda/artifact/read.ts';
import { unpackTarball } from '../../src/distributions/npm/tarball.ts';
import { isBundle, openBundle } from '../../src/formats/bundle/read.ts';
import { parseSif } from '../../src/formats/image/sif.ts';
import { buildConda } from '../fakes/conda-channel.ts';
import { testDeb } from '../fakes/deb.ts';
import { dockerArchive, ociLayout, tarOf } from '../fakes/image.ts';
import { drain, fileOf, once, type Parser, type Paths } from './parser.ts';

// of `hello hello hello`, by the programs of these names
const xz = '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AAQAAtdADQZSe6N6U9+FeAAAABLiObaRIAHdgABJxG8J/OQH7bzfQEAAAAABFla';
const bz2 = 'QlpoOTFBWSZTWZ5iW/4AAAKRAEAAAkSgACEUYGaCke8jRwu5IpwoSE8xLf8A';

const tree = [
  { name: 'etc/' },
  { name: 'etc/hosts', content: 'inside\n' },
  { name: `d/${'n'.repeat(160)}`, content: 'long', uid: 3_000_000 },
  { name: 'link', type: 'link', target: '../../etc/hosts' },
  { name: 'again', type: 'hardlink', target: 'etc/hosts' },
  { name: 'ping', content: 'x', capability: '0100000200200000000000000000000000000000' },
  { name: 'null', type: 'character', device: [1, 3] },
] as const;
const layer = tarOf([...tree, { name: 'etc/.wh.hosts' }, { name: 'd/.wh..wh..opq' }]);
const layout = tarOf(
  [...ociLayout([{ name: 'a', layers: [{ tar: layer, pack: gzipSync }] }])].map(([name, content]) => ({
    name,
    content,
  })),
);

const held = Buffer.from('kept\n');
const heldName = createHash('sha256').update(held).digest('hex');
const bundled = tarOf([
  {
    name: 'repronim.yaml',
    content: `repronim: 1\ndistributions: []\nlock:\n  files:\n  - {path: /a, mode: "0644", size: 5, sha256: ${heldName}}\n`,
  },
  { name: `sha256/${heldName}`, content: held },
]);

/** Everything that a root says of itself. */
async function look(root: Awaited<ReturnType<typeof tarRoot>>): Promise<Paths> {
  const paths: string[] = [];
  for await (const { path, type } of root.scan({ digests: ['sha256', 'md5'] })) {
    paths.push(path);
    if (type === 'file') await root.readFile(path);
  }
  await root.realpath(paths);
  return { paths };
}

const zipOf = (members: Readonly<Record<string, string>>): Buffer => {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(members)) {
    const content = Buffer.from(text);
    const packed = deflateRawSync(content);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03'), common, tail, Buffer.from(name)]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(central.length, 8);
  end.writeUInt16LE(central.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
};

const wheel = zipOf({
  'demo/__init__.py': 'x = 1\n',
  'demo-1.0.dist-info/METADATA': 'Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n',
  'demo-1.0.dist-info/WHEEL': 'Wheel-Version: 1.0\nTag: py3-none-any\n',
  'demo-1.0.dist-info/RECORD':
    'demo/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,6\ndemo-1.0.dist-info/RECORD,,\n',
});

/** Header sums of a tar put right wherever a block looks like a header. */
function mendTar(bytes: Buffer): Buffer {
  const mended = Buffer.from(bytes);
  for (let at = 0; at + 512 <= mended.length; at += 512) {
    const block = mended.subarray(at, at + 512);
    if (!block.toString('latin1', 257, 262).startsWith('ustar')) continue;
    block.fill(0x20, 148, 156);
    let sum = 0;
    for (const byte of block) sum += byte;
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8, 'latin1');
  }
  return mended;
}

function cpio(): Buffer {
  const member = (name: string, content: string, mode: number) => {
    const field = (value: number) => value.toString(16).padStart(8, '0');
    const head = `070701${[1, mode, 0, 0, 1, 1, content.length, 0, 0, 0, 0, name.length + 1, 0].map(field).join('')}`;
    const pad = (text: string) => text + '\0'.repeat((4 - (text.length % 4)) % 4);
    return pad(`${head}${name}\0`) + pad(content);
  };
  return Buffer.from(
    member('./etc/x', 'hello', 0o100644) + member('./l', 'etc/x', 0o120777) + member('TRAILER!!!', '', 0),
  );
}

/** A SIF with a definition and labels (the format of its descriptors: sylabs/sif, v2). */
function sif(): Buffer {
  const texts = ['bootstrap: docker\nfrom: debian\n', '{"data":{"attributes":{"labels":{"a":"b"}}}}'];
  const header = Buffer.alloc(128);
  header.write('#!/usr/bin/env run-singularity\n', 0, 'latin1');
  header.write('SIF_MAGIC\0', 32, 'latin1');
  header.write('01\x0002\0', 42, 'latin1');
  header.writeBigInt64LE(2n, 88);
  header.writeBigInt64LE(128n, 96);
  const table = Buffer.alloc(585 * 2);
  const start = 128 + table.length;
  for (const [index, text] of texts.entries()) {
    table.writeInt32LE([0x4001, 0x4003][index] ?? 0, index * 585);
    table.writeUInt8(1, index * 585 + 4);
    table.writeBigInt64LE(BigInt(start + index * 64), index * 585 + 17);
    table.writeBigInt64LE(BigInt(text.length), index * 585 + 25);
  }
  return Buffer.concat([header, table, ...texts.map((text) => Buffer.from(text.padEnd(64, '\0')))]);
}

export async function archives(folder: string): Promise<Parser[]> {
  const conda = await buildConda({ name: 'demo', version: '1', files: { 'lib/x': { content: 'x' } } });
  const opened = async <T>(
    name: string,
    bytes: Buffer,
    use: (fd: number, size: number) => Promise<T> | T,
  ): Promise<T> => {
    const fd = openSync(fileOf(folder, name, bytes), 'r');
    try {
      return await use(fd, fstatSync(fd).size);
    } finally {
      closeSync(fd);
    }
  };
  const json = (name: string, seeds: readonly string[], parse: (bytes: Buffer) => unknown): Parser => ({
    name,
    seeds,
    parse,
  });
  return [
    {
      name: 'tar',
      weight: 4,
      mend: mendTar,
      seeds: [tarOf(tree), layer],
      async parse(bytes) {
        await using root = await tarRoot(once(bytes), 'fuzzed');
        return await look(root);
      },
    },
    {
      name: 'images in archives',
      weight: 4,
      mend: mendTar,
      seeds: [dockerArchive('x:1', [tarOf(tree), layer]), dockerArchive('x', [layer, layer], true), layout],
      async parse(bytes) {
        await using root = await archiveRoot(once(bytes), 'fuzzed');
        return await look(root);
      },
    },
    {
      name: 'compressed',
      weight: 2,
      seeds: [gzipSync(layer), zstdCompressSync(layer), Buffer.from(xz, 'base64'), Buffer.from(bz2, 'base64')],
      parse: async (bytes) => await decompressed(bytes, compressionOf(bytes), 2 ** 24, 'fuzzed'),
    },
    json('manifest.json', ['[{"Config":"a.json","RepoTags":["x:1"],"Layers":["a/layer.tar"]}]'], readSaved),
    json(
      'index.json',
      [
        '{"manifests":[{"digest":"sha256:aa","platform":{"os":"linux","architecture":"amd64"},"annotations":{"a":"b"}}]}',
      ],
      readIndex,
    ),
    json(
      'OCI manifest',
      ['{"config":{"digest":"sha256:aa"},"layers":[{"digest":"sha256:bb","mediaType":"x"}]}'],
      readManifest,
    ),
    json('image configuration', ['{"rootfs":{"type":"layers","diff_ids":["sha256:aa"]}}'], readDiffIds),
    {
      name: 'manifest of owners',
      seeds: ['{"path":"/etc","uid":1,"gid":2,"mode":"0755"}\n{"path":"/x","uid":0,"gid":0,"capability":"0100"}\n'],
      parse: async (bytes) => await readOwners(fileOf(folder, 'owners', bytes)),
    },
    {
      name: 'zip',
      weight: 2,
      seeds: [wheel, zipOf({ 'a/b': 'x'.repeat(3000), '../out': 'y' })],
      parse: async (bytes) =>
        await opened('zip', bytes, async (fd, size) => {
          const source = fileSource(fd, size, 'fuzzed');
          for (const member of await readZipDirectory(source)) await readZipMember(source, member, 2 ** 24);
        }),
    },
    {
      name: 'wheel',
      weight: 2,
      seeds: [wheel],
      async parse(bytes) {
        using open = await openWheelFile(fileOf(folder, 'wheel', bytes), 'fuzzed');
        await wheelRecord(open);
        return { paths: open.members.map(({ name }) => `/${name}`) };
      },
    },
    {
      name: 'conda artifact',
      weight: 2,
      seeds: [conda.bytes],
      async parse(bytes) {
        using open = openArtifact(fileOf(folder, conda.file, bytes), 'fuzzed');
        const { paths } = await open.info();
        const seen: string[] = [];
        for await (const { path } of open.payload()) seen.push(`/${path}`);
        return { paths: [...paths.map(({ path }) => `/${path}`), ...seen] };
      },
    },
    {
      name: 'npm tarball',
      mend: mendTar,
      seeds: [
        tarOf([
          { name: 'package/package.json', content: '{"name":"x"}' },
          { name: 'package/bin/x', content: 'x' },
        ]),
      ],
      async parse(bytes) {
        const paths: string[] = [];
        for await (const { path } of unpackTarball(gzipSync(bytes, { level: 1 }), 'fuzzed')) paths.push(`/${path}`);
        return { paths };
      },
    },
    {
      name: 'ar',
      seeds: [testDeb([{ name: './usr/' }, { name: './usr/x', content: 'x' }])],
      parse: async (bytes) => await opened('ar', bytes, (fd, size) => readAr(fd, size, 'fuzzed')),
    },
    {
      name: 'cpio',
      seeds: [cpio()],
      async parse(bytes) {
        const paths: string[] = [];
        for await (const member of readCpio(once(bytes), 'fuzzed')) {
          if (member.path !== '') paths.push(member.path);
          await drain(member.content());
        }
        return { paths };
      },
    },
    {
      name: 'bundle',
      seeds: [zstdCompressSync(bundled), bundled],
      parse: async (bytes) => {
        // most of what is broken in a frame is found by its checksum: the tar in it is broken, too
        const whole = isBundle(bytes) ? bytes : zstdCompressSync(bytes);
        await openBundle(fileOf(folder, 'broken.repronim', whole), openStore(join(folder, 'bundles')));
      },
      weight: 2,
    },
    { name: 'SIF', seeds: [sif()], parse: (bytes) => parseSif((at, length) => bytes.subarray(at, at + length)) },
  ];
}
