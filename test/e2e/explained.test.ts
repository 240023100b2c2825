import assert from 'node:assert/strict';
import { readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';

import { localRoot } from '../../src/roots/local.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { claim } from '../../src/toolkits/apt/read/claim.ts';
import { readAttribution } from '../../src/toolkits/apt/read/attribution.ts';
import { mirror, need, scratch } from './need.ts';

// Of the regular files and links below /usr, /etc and /opt of stock roots, at least this part is owned or explained.
const wanted = 0.995;

const sets = {
  minimal: ['ca-certificates'],
  science: ['git', 'python3-numpy', 'man-db', 'locales', 'gcc', 'make', 'perl', 'vim-tiny'],
  desktop: [
    'libgtk-3-0',
    'adwaita-icon-theme',
    'shared-mime-info',
    'desktop-file-utils',
    'fontconfig',
    'texinfo',
    'xml-core',
  ],
} as const;
const newer: Readonly<Record<string, string>> = { 'libgtk-3-0': 'libgtk-3-0t64' };

let folder = '';
before(() => {
  folder = scratch('explained', 4 * 2 ** 30);
});

// each release with one set: all nine take four minutes, and differ little
const roots = [
  ['bullseye', 'minimal'],
  ['bookworm', 'desktop'],
  ['trixie', 'science'],
] as const;

for (const [release, name] of roots) {
  const packages: readonly string[] = sets[name];
  test(`${release}, ${name}: every file has its package`, { timeout: 600_000 }, async (t) => {
    const directory = join(folder, `${release}-${name}`);
    const own = packages.map((one) => (release === 'trixie' ? (newer[one] ?? one) : one));
    await bootstrap(release, own, directory, name === 'minimal' ? 'minbase' : 'important');
    const files = filesBelow(directory, ['/usr', '/etc', '/opt']);
    const root = localRoot(directory);
    const owners = await claim(files, root);
    const explained = [...owners.values()].filter(([first]) => first?.explained !== undefined).length;
    const owned = owners.size - explained;
    const rest = files.filter((path) => !owners.has(path));
    const part = (count: number) => `${((100 * count) / files.length).toFixed(2)} %`;
    t.diagnostic(`${files.length} files: ${part(owned)} owned, ${part(explained)} explained, left: ${rest.join(' ')}`);
    assert.ok(owners.size / files.length >= wanted, `left: ${rest.slice(0, 50).join(' ')}`);
    const { database } = await readAttribution(root);
    for (const [path, found] of owners) {
      for (const { key } of found) assert.ok(database.byKey.has(key), `${path}: ${key} is installed`);
    }
  });

  test(`${release}, ${name}: what was planted is nobody's`, async () => {
    const directory = join(folder, `${release}-${name}`);
    const planted = [
      '/usr/bin/hi',
      '/usr/lib/planted.so.1',
      '/usr/share/planted.py',
      '/etc/planted.conf',
      '/usr/lib/python3/__pycache__/planted.cpython-311.pyc',
      '/etc/ssl/certs/planted.pem',
    ];
    for (const path of planted) {
      await runProcess(['mkdir', '-p', join(directory, path, '..')]);
      writeFileSync(join(directory, path), 'planted');
    }
    symlinkSync('/usr/bin/env', join(directory, 'usr/bin/planted-link'));
    const owners = await claim([...planted, '/usr/bin/planted-link'], localRoot(directory));
    assert.deepEqual([...owners.keys()], []);
  });
}

test('Ubuntu: every file has its package', (t) => {
  t.skip("this machine's apt has no Ubuntu to make a root from");
});

async function bootstrap(
  release: string,
  packages: readonly string[],
  directory: string,
  variant: string,
): Promise<void> {
  await need('mmdebstrap');
  const options = [
    '--quiet',
    '--mode=root',
    '--format=directory',
    `--variant=${variant}`,
    `--include=${packages.join(',')}`,
  ];
  // roots are made of whatever the mirror has, however old
  const dates = ['--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=Acquire::Check-Date "false"'];
  await runProcess(['mmdebstrap', ...options, ...dates, release, directory, await mirror()], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: '/root', TMPDIR: folder },
    timeoutMs: 600_000,
  });
}

function filesBelow(directory: string, folders: readonly string[]): string[] {
  const found: string[] = [];
  const walk = (path: string) => {
    for (const entry of readdirSync(join(directory, path), { withFileTypes: true })) {
      const child = `${path}/${entry.name}`;
      if (entry.isDirectory()) walk(child);
      else if (entry.isFile() || entry.isSymbolicLink()) found.push(child);
    }
  };
  for (const path of folders) walk(path);
  return found.sort();
}
