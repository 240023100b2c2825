import assert from 'node:assert/strict';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';

import fc from 'fast-check';

import { openStore } from '../../archives/store.ts';
import type { Store } from '../../contract/index.ts';
import { UserError } from '../../model/index.ts';
import { runProcess } from '../../sessions/process.ts';
import { isBundle, openBundle } from './read.ts';
import { writeBundle } from './write.ts';

interface Place {
  readonly directory: string;
  readonly file: string;
  readonly store: Store;
  readonly other: Store;
}

function place(t: TestContext): Place {
  const directory = mkdtempSync(join(tmpdir(), 'repronim-bundle-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return {
    directory,
    file: join(directory, 'study.repronim'),
    store: openStore(join(directory, 'store')),
    other: openStore(join(directory, 'other')),
  };
}

const sha = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

function specOf(contents: readonly (string | Uint8Array)[], rest = ''): string {
  const rows = contents.map(
    (content, index) => `  - {path: /f${index}, mode: "0644", size: ${content.length}, sha256: "${sha(content)}"}\n`,
  );
  return `repronim: 1\ndistributions: []\nlock:\n  files:\n${rows.join('')}${rest}`;
}

test('what goes in comes out, and twice the same bytes', async (t) => {
  const { directory, file, store, other } = place(t);
  const contents = [Buffer.from('hello\n'), Buffer.alloc(0), randomBytes(3_000_001), Buffer.alloc(700_000, 'a')];
  const refs = await Promise.all(contents.map((content) => store.add(content)));
  const text = specOf(contents);
  const { size, members } = await writeBundle(file, text, [...refs, ...refs], store);
  assert.equal(members, 5);
  assert.equal(size, readFileSync(file).length);
  await writeBundle(join(directory, 'again'), text, refs.toReversed(), store);
  assert.ok(readFileSync(file).equals(readFileSync(join(directory, 'again'))));
  assert.ok(isBundle(readFileSync(file).subarray(0, 64)));
  assert.ok(!isBundle(Buffer.from(text)));

  const bundle = await openBundle(file, other);
  assert.equal(bundle.text, text);
  assert.deepEqual([...bundle.contents].toSorted(), refs.map(({ sha256 }) => sha256).toSorted());
  for (const [index, { sha256 }] of refs.entries()) {
    const found = await other.find(sha256);
    assert.ok(found !== undefined && readFileSync(found).equals(contents[index] ?? Buffer.of()));
  }
  await openBundle(file, other); // what is there already is no fault
  assert.deepEqual(readdirSync(directory).toSorted(), ['again', 'other', 'store', 'study.repronim']);
});

test('tar reads it: the spec first, then contents by name, no times', async (t) => {
  const { file, store } = place(t);
  const contents = ['b', 'a', 'c'];
  await writeBundle(
    file,
    specOf(contents),
    await Promise.all(contents.map((text) => store.add(Buffer.from(text)))),
    store,
  );
  const tar = zstdDecompressSync(readFileSync(file));
  const list = await runProcess(['tar', '--utc', '-tvf', '-'], { input: tar });
  const lines = list.stdout.toString().trimEnd().split('\n');
  assert.match(lines[0] ?? '', /^-rw-r--r-- 0\/0 +\d+ 1970-01-01 00:00 repronim\.yaml$/);
  const names = lines.map((line) => line.split(' ').at(-1) ?? '');
  assert.deepEqual(names.slice(1), contents.map((text) => `sha256/${sha(text)}`).toSorted());
});

test('what the store has not is named, and no file is left', async (t) => {
  const { directory, file, store } = place(t);
  const gone = { sha256: sha('gone'), size: 4 };
  await assert.rejects(writeBundle(file, specOf(['gone']), [gone], store), (error: unknown) => {
    assert.ok(error instanceof UserError);
    assert.deepEqual(error.details, [`sha256:${gone.sha256}`]);
    return true;
  });
  assert.ok(!readdirSync(directory).includes('study.repronim'));
});

interface Block {
  readonly name: string;
  readonly content?: string | Uint8Array;
  readonly type?: string;
  readonly size?: number;
  readonly link?: string;
}

/** A tar as hostile hands make it. */
function tar(blocks: readonly Block[], end = Buffer.alloc(1024)): Buffer {
  const parts = blocks.map(({ name, content = '', type = '0', size, link = '' }) => {
    const head = Buffer.alloc(512);
    head.write(name, 0, 100);
    head.write('0000644\0', 100);
    head.write(`${(size ?? content.length).toString(8).padStart(11, '0')}\0`, 124);
    head.write('        ', 148);
    head.write(type, 156);
    head.write(link, 157);
    head.write('ustar\u000000', 257);
    head.write(
      `${head
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
    );
    const body = Buffer.from(content);
    return Buffer.concat([head, body, Buffer.alloc(Math.ceil(body.length / 512) * 512 - body.length)]);
  });
  return Buffer.concat([...parts, end]);
}

test('a hostile archive acts on nothing, and the member is named', async (t) => {
  const { directory, file, store } = place(t);
  const good = 'good';
  const spec: Block = { name: 'repronim.yaml', content: specOf([good], `  x: sha256:${sha('unsaid')}\n`) };
  const member: Block = { name: `sha256/${sha(good)}`, content: good };
  const pax = (records: string): Block => ({ name: 'x', type: 'x', content: records });
  const record = (key: string, value: string): string => {
    let length = 0;
    while (length !== `${length} ${key}=${value}\n`.length) length = `${length} ${key}=${value}\n`.length;
    return `${length} ${key}=${value}\n`;
  };
  const cases: readonly (readonly [what: string, archive: Buffer, message: RegExp])[] = [
    ['absolute', tar([spec, { name: '/etc/passwd', content: 'x' }]), /member 2 "\/etc\/passwd": an absolute name$/],
    [
      '..',
      tar([spec, { name: `sha256/../../${sha(good)}`, content: 'x' }]),
      /member 2 "sha256\/\.\..*": its name leads out/,
    ],
    [
      'pax path',
      tar([spec, pax(record('path', '../../etc/x')), member]),
      /member 2 "\.\.\/\.\.\/etc\/x": its name leads out/,
    ],
    [
      'symlink',
      tar([spec, { name: member.name, type: '2', link: '/etc/passwd' }]),
      /member 2 ".*": a symbolic link: a bundle holds files only$/,
    ],
    ['hard link', tar([spec, { name: member.name, type: '1', link: '/etc/passwd' }]), /a hard link/],
    ['device', tar([spec, { name: member.name, type: '3' }]), /a device/],
    ['block device', tar([spec, { name: member.name, type: '4' }]), /a device/],
    ['pipe', tar([spec, { name: member.name, type: '6' }]), /a pipe/],
    ['directory', tar([spec, { name: 'sha256/', type: '5' }]), /a directory/],
    ['global', tar([{ name: 'g', type: 'g', content: record('path', 'x') }, spec]), /member 1 "g": a global header/],
    ['unknown type', tar([spec, { ...member, type: 'Z' }]), /of an unknown type/],
    ['twice', tar([spec, member, member]), /member 3 ".*": it comes twice$/],
    ['spec twice', tar([spec, spec]), /member 2 "repronim\.yaml": it comes twice/],
    ['no spec', tar([member]), /member 1 ".*": the first member must be repronim\.yaml/],
    ['nothing', tar([]), /there is no repronim\.yaml in it/],
    ['no content', Buffer.alloc(0), /member 1: the archive ends too early/],
    ['other name', tar([spec, { name: 'sha256/abc', content: 'x' }]), /expected sha256\/ and 64 hexadecimal digits/],
    ['not named', tar([spec, { name: `sha256/${sha('other')}`, content: 'other' }]), /its spec does not name it/],
    ['other content', tar([spec, { ...member, content: 'evil' }]), /its content is another: sha256:/],
    ['other size', tar([spec, { ...member, content: 'good!' }]), /its size is 5, its spec says 4/],
    [
      'bomb',
      tar([spec, { name: `sha256/${sha('unsaid')}`, content: Buffer.alloc(100 * 1024 * 1024) }]),
      /far more than can be in it/,
    ],
    [
      'too large',
      tar([spec, { name: `sha256/${sha('unsaid')}`, size: 8 * 1024 ** 3 - 1 }]),
      /far more than can be in it|too large/,
    ],
    ['pax size', tar([spec, pax(record('size', '-1')), member]), /no usable size/],
    ['pax damage', tar([spec, pax('99999 x'), member]), /its extended header is damaged/],
    ['pax chain', tar([spec, pax(record('size', '1')), pax(record('size', '1')), member]), /belongs to nothing/],
    [
      'header',
      Buffer.concat([tar([spec], Buffer.alloc(0)), Buffer.alloc(512, 'x'), Buffer.alloc(1024)]),
      /member 2: its header is damaged/,
    ],
    ['cut', tar([spec, member]).subarray(0, -1200), /the archive ends too early/],
    ['no end', tar([spec, member], Buffer.alloc(512)), /the archive ends too early/],
    [
      'garbage',
      Buffer.concat([tar([spec, member]), Buffer.from('garbage')]),
      /something follows the end of the archive/,
    ],
    ['long end', tar([spec, member], Buffer.alloc(1024 * 1024)), /something follows the end of the archive/],
    ['bad YAML', tar([{ name: 'repronim.yaml', content: 'repronim: 1\na: [\n' }]), /study\.repronim:3:1: /],
    [
      'not UTF-8',
      tar([{ name: 'repronim.yaml', content: Buffer.of(0xff) }]),
      /member 1 "repronim\.yaml": it is not UTF-8/,
    ],
  ];
  for (const [what, archive, message] of cases) {
    writeFileSync(file, zstdCompressSync(archive));
    await assert.rejects(openBundle(file, store), (error: unknown) => {
      assert.ok(error instanceof UserError, `${what}: ${String(error)}`);
      assert.equal(error.status, 2, what);
      assert.ok(error.message.startsWith(file), error.message);
      assert.match(error.message, message, what);
      return true;
    });
  }
  assert.deepEqual(readdirSync(directory).toSorted(), ['store', 'study.repronim']);
  assert.equal(await store.find(sha('evil')), undefined);
  assert.deepEqual(readdirSync(join(directory, 'store', 'new')), []);
});

test('a damaged file is told as one', async (t) => {
  const { file, store } = place(t);
  const good = zstdCompressSync(tar([{ name: 'repronim.yaml', content: specOf(['x']) }]));
  const cases: readonly (readonly [Buffer, RegExp])[] = [
    [good.subarray(0, -1), /the archive ends too early/],
    [good.subarray(0, 20), /the archive ends too early/],
    [good.subarray(0, 3), /the archive ends too early/],
    [Buffer.of(), /the archive ends too early/],
    [Buffer.concat([good, Buffer.from('x')]), /something follows the end/],
    [Buffer.concat([good, good]), /something follows the end/],
    [Buffer.from('PK\u0003\u0004 is something else'), /no zstd archive/],
    [Buffer.concat([good.subarray(0, 4), Buffer.of(0x04, 0xff), good.subarray(6)]), /more memory than is given/],
  ];
  for (const [bytes, message] of cases) {
    writeFileSync(file, bytes);
    await assert.rejects(openBundle(file, store), (error: unknown) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
});

test('100 damaged and 100 forged bundles: each refused with a message, none with a stack trace', async (t) => {
  const { directory, file, store, other } = place(t);
  const contents = [Buffer.from('hello\n'), randomBytes(5000), Buffer.alloc(9000, 'ab')];
  const refs = await Promise.all(contents.map((content) => store.add(content)));
  await writeBundle(file, specOf(contents), refs, store);
  const good = readFileSync(file);
  const plain = zstdDecompressSync(good);
  const seed = Number(process.env['REPRONIM_TEST_SEED'] ?? randomInt(2 ** 31));
  t.diagnostic(`seed ${seed}: REPRONIM_TEST_SEED=${seed} repeats it`);
  const edit = (bytes: Buffer): fc.Arbitrary<Buffer> =>
    fc
      .tuple(
        fc.nat({ max: bytes.length - 1 }),
        fc.constantFrom('flip', 'cut', 'put', 'take'),
        fc.integer({ min: 1, max: 255 }),
      )
      .map(([at, how, by]) => {
        if (how === 'cut') return bytes.subarray(0, at);
        if (how === 'take') return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + by)]);
        if (how === 'put') return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(by, by), bytes.subarray(at)]);
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ by;
        return flipped;
      });
  const damaged = fc.sample(edit(good), { numRuns: 100, seed });
  const forged = fc.sample(edit(plain), { numRuns: 100, seed }).map((bytes) => zstdCompressSync(bytes));
  for (const [index, bytes] of [...damaged, ...forged].entries()) {
    writeFileSync(file, bytes);
    const opened = await openBundle(file, other).catch((error: unknown) => {
      assert.ok(error instanceof UserError, String(error instanceof Error ? error.stack : error));
      assert.equal(error.status, 2);
      assert.ok(error.message.startsWith(`${file}: `) || error.message.startsWith(`${file}:`), error.message);
      assert.doesNotMatch(error.message, /\n/);
    });
    // Not every bit of an archive means something; and a forged one may be a bundle, of a spec with another text.
    if (opened !== undefined && index < damaged.length) assert.equal(opened.text, specOf(contents));
  }
  assert.deepEqual(readdirSync(directory).toSorted(), ['other', 'store', 'study.repronim']);
});
