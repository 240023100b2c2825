import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { sha256 } from '../../src/model/index.ts';
import type { CondaLock, CondaPackage, CondaSpec } from '../../src/distributions/conda/spec.ts';
import { prepare } from '../../src/distributions/conda/prepare.ts';
import { plan } from '../../src/distributions/conda/edit.ts';
import { unpackSteps, type Contexts } from './contexts.ts';
import { buildConda, placeholder, type BuiltConda, type CondaBuild } from './conda-channel.ts';

/** A pretended Python, a library with its prefix in text and in a binary, and a package of pure Python. */
export const smallBuilds: readonly CondaBuild[] = [
  {
    name: 'python',
    version: '3.11.2',
    build: 'h1_cpython',
    depends: ['libdemo >=1', '__glibc >=2.17'],
    files: {
      'bin/python3.11': { content: 'pretended', mode: 0o755 },
      'bin/python': { link: 'python3.11' },
      'lib/python3.11/os.py': { content: '# os\n' },
    },
  },
  {
    name: 'libdemo',
    version: '1.2',
    build: 'h0_0',
    files: {
      'bin/demo': { content: `#!${placeholder}/bin/python3.11 -s\nprint("demo")\n`, replace: 'text', mode: 0o755 },
      'etc/conda/env_vars.d/demo.json': { content: '{"DEMO_HOME": "x"}' },
      'lib/libdemo.bin': {
        content: Buffer.from(`\x01\x00${placeholder}/share:${placeholder}/lib\0after\0`, 'latin1'),
        replace: 'binary',
        mode: 0o755,
      },
      'lib/libdemo.so': { link: 'libdemo.bin' },
      'lib/pkgconfig/demo.pc': { content: `prefix=${placeholder}\nlib=${placeholder}/lib\n`, replace: 'text' },
      'share/both': { content: 'libdemo' },
    },
  },
  {
    name: 'pure',
    version: '0.5',
    build: 'pyh0',
    noarch: 'python',
    depends: ['python >=3.9'],
    entryPoints: ['pure-cli = pure:main'],
    files: {
      'site-packages/pure/__init__.py': { content: 'def main():\n    print("pure says hi")\n' },
      'site-packages/pure-0.5.dist-info/METADATA': { content: 'Metadata-Version: 2.1\nName: pure\nVersion: 0.5\n' },
      'site-packages/pure-0.5.dist-info/RECORD': { content: 'pure/__init__.py,,\n' },
      'site-packages/pure-0.5.dist-info/direct_url.json': {
        content: '{"url": "file:///home/conda/x", "dir_info": {}}',
      },
      'python-scripts/pure-script': { content: '#!/usr/bin/env python\nprint(1)\n', mode: 0o755 },
      'share/both': { content: 'pure' },
    },
  },
];

/** Packages as the rows of a lock, their artifacts in the store. */
export async function lockRows(
  builds: readonly CondaBuild[],
  { store }: Pick<Contexts, 'store'>,
  channel: string,
): Promise<{ rows: CondaPackage[]; built: BuiltConda[] }> {
  const rows: CondaPackage[] = [];
  const built: BuiltConda[] = [];
  for (const build of builds) {
    const one = await buildConda(build);
    await store.add(one.bytes);
    built.push(one);
    rows.push({
      name: build.name,
      version: build.version,
      build: build.build ?? '0',
      channel,
      subdir: one.subdir,
      file: one.file,
      size: one.bytes.length,
      sha256: sha256(one.bytes),
      ...(build.noarch === undefined ? {} : { noarch: build.noarch }),
    });
  }
  return { rows, built };
}

/** Lays a prefix of these packages below a folder that stands for a root, as `create` would. */
export async function layInto(
  root: string,
  spec: CondaSpec,
  lock: Omit<CondaLock, 'of'>,
  { creating, store }: Contexts,
): Promise<void> {
  const whole = { of: `sha256:${'0'.repeat(64)}`, ...lock } as CondaLock;
  const { made, missing } = await prepare(spec, whole, creating);
  if (missing.length > 0) throw new Error(missing.map(({ what }) => what).join(', '));
  mkdirSync(join(root, spec.path), { recursive: true });
  await unpackSteps(plan(spec, whole, made), root, store);
}
