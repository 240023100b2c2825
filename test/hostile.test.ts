/** Archives that were made to do harm, at every door by which archives come in: refused, and the member is named. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';

import { openStore } from '../src/archives/store.ts';
import { openArtifact } from '../src/distributions/conda/artifact/read.ts';
import { unpackTarball } from '../src/distributions/npm/tarball.ts';
import { importImage } from '../src/flows/image/import.ts';
import { openBundle } from '../src/formats/bundle/read.ts';
import { openHouse } from '../src/index.ts';
import { UserError } from '../src/model/index.ts';
import { decompressed, mostUnpacked } from '../src/roots/decompress.ts';
import { payloadOf } from '../src/toolkits/apt/lay/payload.ts';
import { openWheelFile } from '../src/toolkits/python/wheel.ts';
import { cpioHeader, cpioPadding, readCpio } from '../src/toolkits/rpm/lay/cpio.ts';
import { testAr, testDeb, testTar, type TestMember } from './fakes/deb.ts';
import { dockerArchive, ociLayout, tarOf, writeFiles } from './fakes/image.ts';
import { makeZip } from './fakes/zip.ts';

const top = mkdtempSync(join(tmpdir(), 'repronim-hostile-'));
after(() => rmSync(top, { recursive: true, force: true }));
const house = openHouse({ env: { REPRONIM_HOME: join(top, 'home') } });
let counter = 0;

function file(name: string, bytes: Buffer): string {
  const path = join(top, `${(counter += 1)}-${name}`);
  writeFileSync(path, bytes);
  return path;
}

const victim = join(top, 'victim');
const good: TestMember = { name: 'opt/good', content: randomBytes(256).toString('hex') };

/** What is in the archive; names are as a tar has them. Attack: what must be named in the error. */
const attacks: Readonly<Record<string, { readonly members: readonly TestMember[]; readonly says: RegExp }>> = {
  'a name with ..': { members: [good, { name: `../..${victim}`, content: 'bad' }], says: /\.\.\/\.\./ },
  'an absolute name': { members: [good, { name: victim, content: 'bad' }], says: /victim/ },
  'a hard link out of it': {
    members: [good, { name: 'opt/shadow', type: 'hardlink', target: '../../etc/shadow' }],
    says: /opt\/shadow|etc\/shadow/,
  },
  'a device': { members: [good, { name: 'opt/disk', type: 'block', device: [8, 0] }], says: /opt\/disk/ },
  'a file through a link': {
    members: [good, { name: 'opt/way', type: 'link', target: top }, { name: 'opt/way/victim', content: 'bad' }],
    says: /opt\/way/,
  },
};
type Attack = keyof typeof attacks;

async function importOf(path: string): Promise<void> {
  await importImage(path, { tags: ['bad'] }, house);
}

const asFiles = (members: readonly TestMember[]): Record<string, string> =>
  Object.fromEntries(members.map(({ name, content = '' }) => [name, content]));
const cpioOf = (members: readonly TestMember[]): Buffer =>
  Buffer.concat([
    ...members.flatMap(({ name, content = '' }, index) => {
      const head = cpioHeader({ path: `/${name}`, mode: 0o100644, mtime: 0, inode: index + 1, size: content.length });
      return [head, Buffer.from(content), cpioPadding(content.length)];
    }),
    cpioHeader({ path: 'TRAILER!!!', mode: 0, mtime: 0, inode: 0, size: 0 }),
  ]);
const spec = 'repronim: 1\ndistributions: []\n';

interface Door {
  /** Opens an archive of these members as it is opened in earnest, to its end. */
  enter(members: readonly TestMember[]): Promise<void>;
  /** Attacks that such an archive has no form for, or that are no attack there. */
  readonly cannot?: readonly Attack[];
}

const zips: readonly Attack[] = ['a hard link out of it', 'a device', 'a file through a link'];
const info = [
  { name: 'info/index.json', content: '{"name":"x","version":"1","build":"0","build_number":0}' },
  { name: 'info/files', content: '' },
];

const doors: Readonly<Record<string, Door>> = {
  'image import of a tar': { enter: async (members) => await importOf(file('root.tar', testTar(members))) },
  'image import of a compressed tar': {
    enter: async (members) => await importOf(file('root.tar.gz', gzipSync(testTar(members)))),
  },
  'image import of an OCI layout': {
    async enter(members) {
      const folder = join(top, `layout-${(counter += 1)}`);
      writeFiles(folder, ociLayout([{ name: 'a', layers: [{ tar: testTar(members), pack: gzipSync }] }]));
      await importOf(folder);
    },
  },
  'image import of an archive of docker save': {
    enter: async (members) =>
      await importOf(file('saved.tar', dockerArchive('a:1', [testTar([good]), testTar(members)]))),
  },
  'a bundle': {
    async enter(members) {
      const tar = tarOf([{ name: 'repronim.yaml', content: spec }, ...members.filter((member) => member !== good)]);
      await openBundle(file('study.repronim', zstdCompressSync(tar)), openStore(join(top, 'store')));
    },
  },
  'a .deb': {
    async enter(members) {
      const deb = file('x.deb', testDeb(members));
      const cache = mkdtempSync(join(top, 'cache-'));
      const sha256 = String(counter).padStart(64, '0');
      await payloadOf({ name: 'hostile', version: '1', architecture: 'all', sha256, file: deb }, cache);
    },
    // it is laid as dpkg does: through a link, but never out of the root (lay/unpack.test.ts)
    cannot: ['a file through a link'],
  },
  'the payload of an .rpm': {
    async enter(members) {
      const stream = (async function* () {
        yield cpioOf(members);
      })();
      for await (const { content } of readCpio(stream, 'hostile.rpm')) for await (const _ of content());
    },
    // names are below the root whatever they begin with; types and links are the header's
    cannot: ['an absolute name', ...zips],
  },
  'a wheel': {
    async enter(members) {
      const files = { ...asFiles(members), 'x-1.dist-info/RECORD': '' };
      using _wheel = await openWheelFile(file('x.whl', makeZip(files)), 'x.whl');
    },
    cannot: zips,
  },
  'a package of conda': {
    async enter(members) {
      using artifact = openArtifact(file('x.tar.bz2', testTar([...info, ...members])), 'x.tar.bz2');
      for await (const _ of artifact.payload());
    },
  },
  'a .conda': {
    async enter(members) {
      const parts = {
        'metadata.json': '{}',
        'info-x.tar.zst': zstdCompressSync(testTar(info)),
        'pkg-x.tar.zst': zstdCompressSync(testTar(members)),
      };
      using artifact = openArtifact(file('x.conda', makeZip(parts)), 'x.conda');
      for await (const _ of artifact.payload());
    },
  },
  'a tarball of npm': {
    async enter(members) {
      for await (const _ of unpackTarball(gzipSync(testTar(members)), 'x.tgz'));
    },
    // only files are taken, as npm does
    cannot: zips,
  },
};

for (const [name, { enter, cannot = [] }] of Object.entries(doors)) {
  describe(name, () => {
    for (const [attack, { members, says }] of Object.entries(attacks)) {
      if (cannot.includes(attack)) continue;
      test(attack, async () => {
        await assert.rejects(enter(members), (error) => {
          assert.ok(error instanceof UserError, String(error instanceof Error ? error.stack : error));
          assert.match([error.message, ...error.details].join('\n'), says);
          return true;
        });
        assert.ok(!existsSync(victim));
        assert.ok(!existsSync(join(top, 'home/data/rootfs')), 'nothing of it was laid');
      });
    }
  });
}

/** Bytes of zeros: many times what they are packed in. */
const zeros = 64 * 1024 * 1024;

describe('bombs', () => {
  const large = Buffer.alloc(zeros);
  const packed = { gz: gzipSync(large), zst: zstdCompressSync(large) } as const;
  for (const [compression, bytes] of Object.entries(packed)) {
    test(compression, async () => {
      await assert.rejects(decompressed(bytes, compression as 'gz', 1_000_000, 'bomb'), {
        name: 'UserError',
        message: 'bomb: refused: unpacks to more than 1.0 MB',
      });
    });
  }
  test('bzip2 stops at the limit, not at the end', async () => {
    // a hundred million zeros, of bzip2(1)
    const bytes =
      'QlpoOTFBWSZTWQ4J4t8BX45AAMAAAAggADCATUZCoCWpCoCXMUFZJlNZDgni3wFfjkAAwAAACCAAMIBNRkKgJakKgJcxQVkmU1nEYApVAD7RQALAAABAAAggADDMCapppUiDaipEHi7kinChIcCoiS4=';
    await assert.rejects(decompressed(Buffer.from(bytes, 'base64'), 'bz2', 1_000_000, 'bomb'), {
      name: 'UserError',
      message: 'bomb: refused: unpacks to more than 1.0 MB',
    });
  });

  test('a member of a zip that is larger than it says', async () => {
    const zip = makeZip({ 'x-1.dist-info/RECORD': '', 'x/big': large });
    const at = zip.indexOf(Buffer.from('PK\x01\x02', 'latin1'), zip.indexOf('x/big') + 5);
    zip.writeUInt32LE(10, zip.indexOf(Buffer.from('PK\x01\x02', 'latin1'), at + 4) + 24);
    using wheel = await openWheelFile(file('x.whl', zip), 'x.whl');
    const member = wheel.members.find(({ name }) => name === 'x/big');
    assert.ok(member !== undefined);
    await assert.rejects(wheel.read(member), { name: 'UserError' });
  });

  test('a sparse file of a tar, whatever it says its size is', async () => {
    const tar = testTar([{ name: 'opt/sparse', content: 'x' }]);
    tar[156] = 'S'.charCodeAt(0);
    tar.fill(' ', 148, 156);
    const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    await assert.rejects(importOf(file('sparse.tar', tar)), { name: 'UserError', message: /sparse/ });
  });

  test('a layer, and a tar, may unpack to a hundred times what they are', () => {
    assert.equal(mostUnpacked(1), 4 * 1024 ** 3);
    assert.equal(mostUnpacked(1024 ** 3), 100 * 1024 ** 3);
  });

  test('a .deb whose contents are larger than any package', async () => {
    const deb = testAr([
      ['debian-binary', Buffer.from('2.0\n')],
      ['control.tar.gz', gzipSync(Buffer.alloc(512 * 1024 * 1024))],
      ['data.tar', testTar([])],
    ]);
    const made = { name: 'bomb', version: '1', architecture: 'all', sha256: 'b'.repeat(64), file: file('b.deb', deb) };
    await assert.rejects(payloadOf(made, mkdtempSync(join(top, 'cache-'))), {
      name: 'UserError',
      message: /bomb 1.*refused: unpacks to more than/,
    });
  });
});
