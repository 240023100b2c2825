import assert from 'node:assert/strict';
import { test } from 'node:test';

import { oldPaths } from './artifact/read.ts';
import { cutChannel, channelOf } from './address.ts';
import { channelAddresses, parseCondarc } from './condarc.ts';
import { nameOf, parseHistory } from './history.ts';
import { parseWish, satisfies } from './match.ts';
import { parseRecord } from './record.ts';

/** As py-rattler 0.28 wrote it, shortened in its lists. */
const rattlers = `{
  "arch": "x86_64",
  "build": "h0_0",
  "build_number": 0,
  "depends": [],
  "license": "MIT",
  "md5": "b4a73314595e63f8da19ebc8ace478c4",
  "name": "libdemo",
  "platform": "linux",
  "sha256": "74cf12f3e4f82adf62bae3fc76977e9dfb44a6d6b4531bbec40ba6530f0dbbda",
  "size": 1162,
  "subdir": "linux-64",
  "timestamp": 1700000000000,
  "version": "1.2",
  "fn": "libdemo-1.2-h0_0.tar.bz2",
  "url": "http://127.0.0.1:8765/linux-64/libdemo-1.2-h0_0.tar.bz2",
  "channel": "http://127.0.0.1:8765/",
  "extracted_package_dir": "/dev/shm/conda/cache/libdemo-1.2-h0_0",
  "requested_specs": [],
  "files": [
    "bin/demo",
    "lib/libdemo.so",
    "__clobbers__/libdemo/share/both"
  ],
  "paths_data": {
    "paths_version": 1,
    "paths": [
      {
        "_path": "bin/demo",
        "path_type": "hardlink",
        "sha256": "ea2eeb03dd1d3369bf151202d131e6574dc0710cc5aeabac4379c79b28b9f52d",
        "sha256_in_prefix": "4d9890cf0f5e04db62f0a91ab90a1dc334cb5c3af56352089a9d16ab57bec5cd",
        "size_in_bytes": 53,
        "file_mode": "text",
        "prefix_placeholder": "/home/conda/placehold_placehold_"
      },
      {
        "_path": "lib/libdemo.so",
        "path_type": "softlink",
        "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "sha256_in_prefix": "80cc16ee2b861f474a903e5247b098b98f7d67cf03869a99723eb21aafc4bba4",
        "size_in_bytes": 0
      },
      {
        "_path": "__clobbers__/libdemo/share/both",
        "original_path": "share/both",
        "path_type": "hardlink",
        "sha256": "216b4a9bec007d846eebd5709bf8dcc09f2cecc19e73af2e58665e84b911a950",
        "size_in_bytes": 7
      }
    ]
  },
  "link": {
    "source": "/dev/shm/conda/cache/libdemo-1.2-h0_0",
    "type": 1
  }
}`;

test('a record of rattler’s: identity, origin, paths; what was put aside is in no artifact', () => {
  const record = parseRecord(Buffer.from(rattlers));
  assert.ok(record);
  const { name, version, build, url, sha256, size, paths } = record;
  assert.deepEqual([name, version, build, size], ['libdemo', '1.2', 'h0_0', 1162]);
  assert.equal(sha256, '74cf12f3e4f82adf62bae3fc76977e9dfb44a6d6b4531bbec40ba6530f0dbbda');
  assert.equal(url, 'http://127.0.0.1:8765/linux-64/libdemo-1.2-h0_0.tar.bz2');
  assert.equal(channelOf(record), 'http://127.0.0.1:8765');
  assert.deepEqual(
    paths.map(({ path, type, replace }) => [path, type, replace]),
    [
      ['bin/demo', 'file', 'text'],
      ['lib/libdemo.so', 'link', undefined],
      ['__clobbers__/libdemo/share/both', 'compiled', undefined],
    ],
  );
});

test('a record of an old conda: files without more, noarch as true, one requested spec', () => {
  const record = parseRecord(
    Buffer.from(
      JSON.stringify({
        name: 'six',
        version: '1.10.0',
        build: 'py27_0',
        noarch: true,
        requested_spec: 'six',
        channel: 'https://repo.example.org/pkgs/free/linux-64',
        subdir: 'linux-64',
        files: ['lib/six.py', '../../etc/passwd', '/etc/passwd', 'lib/./x', 'lib//x'],
      }),
    ),
  );
  assert.ok(record);
  assert.deepEqual(record.requested, ['six']);
  assert.equal(record.noarch, 'generic');
  assert.deepEqual(
    record.paths.map(({ path }) => path),
    ['lib/six.py'],
  );
  assert.equal(channelOf(record), 'https://repo.example.org/pkgs/free');
});

test('what is no record is none', () => {
  for (const text of ['', '[]', 'null', '{"name": 1}', '{"name": "../x", "version": "1", "build": "0"}', '{"name":']) {
    assert.equal(parseRecord(Buffer.from(text)), undefined, text);
  }
});

test('history: what was asked for, the last word counting', () => {
  const asked = parseHistory(`==> 2024-01-10 11:02:03 <==
# cmd: /opt/conda/bin/conda create -n x python=3.11 numpy
# conda version: 23.11.0
+defaults/linux-64::numpy-1.26.2-py311h08b1b3b_0
# update specs: ['python=3.11', 'numpy', "scipy[version='>=1']"]
==> 2024-01-11 09:00:00 <==
# cmd: /opt/conda/bin/conda remove numpy
# remove specs: ['numpy']
==> 2024-01-12 09:00:00 <==
# cmd: micromamba install xz
# install specs: ["conda-forge::xz>=5"]
`);
  assert.deepEqual(Object.fromEntries(asked), {
    python: 'python=3.11',
    scipy: "scipy[version='>=1']",
    xz: 'conda-forge::xz>=5',
  });
  assert.equal(nameOf('conda-forge/linux-64::Numpy >=1'), 'numpy');
});

test('addresses lose user names, passwords and tokens', () => {
  assert.equal(cutChannel('https://u:p@conda.example.org/t/xy-123/forge/'), 'https://conda.example.org/forge');
  assert.equal(cutChannel('https://conda.example.org/forge'), 'https://conda.example.org/forge');
});

test('a .condarc: channels, where they lie, caches', async () => {
  const client = await parseCondarc(`
channels: [forge, defaults, https://u:p@conda.example.org/own]
channel_alias: https://conda.example.org/
default_channels:
- https://repo.example.org/main
- https://repo.example.org/r
custom_channels:
  lab: https://lab.example.org/conda
pkgs_dirs: [/srv/pkgs, relative]
`);
  assert.deepEqual(client.channels, ['forge', 'defaults', 'https://conda.example.org/own']);
  assert.deepEqual(channelAddresses('forge', client), ['https://conda.example.org/forge']);
  assert.deepEqual(channelAddresses('defaults', client), [
    'https://repo.example.org/main',
    'https://repo.example.org/r',
  ]);
  assert.deepEqual(channelAddresses('lab', client), ['https://lab.example.org/conda/lab']);
  assert.deepEqual(client.caches, ['/srv/pkgs']);
  const nothing = await parseCondarc('channels: [unclosed');
  assert.deepEqual(nothing.channels, []);
  assert.deepEqual(channelAddresses('forge', nothing), []);
});

test('packages from before paths.json', () => {
  assert.deepEqual(
    oldPaths(
      'bin/x\nlib/y\nlib/z\n../out\n',
      '/opt/anaconda1anaconda2anaconda3 binary lib/y\n"/a b/placehold" text "lib/z"\nbin/x\n',
    ),
    [
      { path: 'bin/x', type: 'file', placeholder: '/opt/anaconda1anaconda2anaconda3', replace: 'text' },
      { path: 'lib/y', type: 'file', placeholder: '/opt/anaconda1anaconda2anaconda3', replace: 'binary' },
      { path: 'lib/z', type: 'file', placeholder: '/a b/placehold', replace: 'text' },
    ],
  );
});

test('match specs: what they ask, and whether a locked package is it', () => {
  const locked = { name: 'numpy', version: '1.26.4', build: 'py311h64a7726_0' };
  const answers = {
    numpy: true,
    'numpy==1.26.4': true,
    'numpy==1.26': false,
    'numpy=1.26': true,
    'numpy=1.2': false,
    'numpy 1.26.*': true,
    'numpy>=1.26,<2': true,
    'numpy >=2': false,
    'numpy=1.26.4=py311*': true,
    // with a build, a version without a star is the very version, as conda and rattler take it
    'numpy=1.26=py311*': false,
    'numpy=1.26.*=py311*': true,
    'numpy 1.26.4 py311*': true,
    'numpy=1.26.4=py312*': false,
    'numpy[version=">=1.26",build="py311*"]': true,
  };
  for (const [word, answer] of Object.entries(answers)) assert.equal(satisfies(parseWish(word), locked), answer, word);
  const refused = [
    '',
    'a b c d[',
    'numpy[url="x"]',
    'https://x/y',
    'c::numpy',
    '/etc/x',
    'a\nb',
    '-n',
    'numpy[version',
  ];
  for (const word of refused) assert.throws(() => parseWish(word), { name: 'UserError', status: 2 }, word);
});
