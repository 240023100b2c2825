import { lstatSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { runProcess } from '../../src/sessions/process.ts';
import { buildConda, placeholder, writeChannel, type CondaFile } from '../fakes/conda-channel.ts';
import { need } from './need.ts';

const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: '/root' };

/** py-rattler, a real installer, in a virtual environment of its own: installs specs from a channel into a prefix. */
export interface Rattler {
  install(channel: string, prefix: string, specs: readonly string[]): Promise<void>;
  /** pip of that environment, for the Python of a prefix. */
  pip(prefix: string, ...words: readonly string[]): Promise<void>;
}

const program = `
import asyncio, os, sys
from rattler import Channel, MatchSpec, VirtualPackage, install, solve
async def main(channel, prefix, cache, *words):
    specs = [MatchSpec(word) for word in words]
    records = await solve(sources=[Channel(channel)], specs=specs, platforms=['linux-64', 'noarch'],
                          virtual_packages=VirtualPackage.detect())
    await install(records=records, target_prefix=prefix, cache_dir=cache, show_progress=False,
                  requested_specs=[spec._match_spec for spec in specs])
asyncio.run(main(*sys.argv[1:]))
os._exit(0) # threads of its own do not always end in peace
`;

/** Installs py-rattler from the package index that this machine's pip asks. */
export async function rattlerIn(folder: string): Promise<Rattler> {
  await need('python3-venv');
  const env = { ...environment, ...passedOn() };
  const venv = join(folder, 'rattler');
  await runProcess(['/usr/bin/python3', '-m', 'venv', venv], { env });
  await runProcess([join(venv, 'bin/pip'), 'install', '--quiet', 'py-rattler==0.28.0'], { env });
  return {
    async install(channel, prefix, specs) {
      const argv = ['-c', program, channel, prefix, join(folder, 'cache'), ...specs];
      await runProcess([join(venv, 'bin/python'), ...argv], { env: environment });
    },
    async pip(prefix, ...words) {
      await runProcess([join(venv, 'bin/pip'), '--quiet', '--python', join(prefix, 'bin/python'), ...words], {
        env: { ...environment, PYTHONDONTWRITEBYTECODE: '1' },
      });
    },
  };
}

/** A channel with a Python that works (Debian's, for another place), a compiled library, and a pure package. */
export async function makeChannel(folder: string): Promise<void> {
  await need('python3.11-minimal', 'libpython3.11-minimal', 'libpython3.11-stdlib', 'bzip2', 'gcc', 'libc6-dev');
  writeChannel(folder, [
    await buildConda({
      name: 'python',
      version: '3.11.2',
      build: 'h1_cpython',
      depends: ['libgreet >=1', '__glibc >=2.17'],
      files: await pythonFiles(),
    }),
    await buildConda({
      name: 'libgreet',
      version: '1.2',
      build: 'h0_0',
      format: 'tar.bz2',
      files: await compiledFiles(`${folder}-build`),
    }),
    await buildConda({
      name: 'pure',
      version: '0.5',
      build: 'pyh0',
      noarch: 'python',
      depends: ['python >=3.9'],
      entryPoints: ['pure-cli = pure.cli:main'],
      files: {
        'site-packages/pure/__init__.py': { content: '' },
        'site-packages/pure/cli.py': {
          content: `import ctypes, sys\ndef main():\n    library = ctypes.CDLL(sys.prefix + '/lib/libgreet.so')\n    library.greet.restype = ctypes.c_char_p\n    print('greetings from', library.greet().decode())\n`,
        },
        'site-packages/pure-0.5.dist-info/METADATA': { content: 'Metadata-Version: 2.1\nName: pure\nVersion: 0.5\n' },
        'site-packages/pure-0.5.dist-info/INSTALLER': { content: 'conda\n' },
        'site-packages/pure-0.5.dist-info/RECORD': { content: 'pure/__init__.py,,\npure/cli.py,,\n' },
        'site-packages/pure-0.5.dist-info/direct_url.json': {
          content: '{"url": "file:///home/conda/feedstock_root", "dir_info": {}}',
        },
        'python-scripts/pure-script': { content: '#!/usr/bin/env python\nprint(1)\n', mode: 0o755 },
        'share/both': { content: 'pure' },
      },
    }),
    await buildConda({ name: 'pure', version: '0.4', build: 'pyh0', noarch: 'generic', files: {} }),
  ]);
}

/** A wheel with a module and a command; nothing but files in a zip. */
export async function makeWheel(folder: string): Promise<string> {
  const tree = join(folder, 'wheel');
  mkdirSync(join(tree, 'tiny-1.0.dist-info'), { recursive: true });
  writeFileSync(join(tree, 'tiny.py'), 'def main():\n    print("tiny")\n');
  const about = join(tree, 'tiny-1.0.dist-info');
  writeFileSync(join(about, 'METADATA'), 'Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n');
  writeFileSync(join(about, 'WHEEL'), 'Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n');
  writeFileSync(join(about, 'entry_points.txt'), '[console_scripts]\ntiny = tiny:main\n');
  writeFileSync(
    join(about, 'RECORD'),
    ['tiny.py', ...['METADATA', 'WHEEL', 'entry_points.txt', 'RECORD'].map((name) => `tiny-1.0.dist-info/${name}`)]
      .map((path) => `${path},,\n`)
      .join(''),
  );
  const wheel = join(folder, 'tiny-1.0-py3-none-any.whl');
  await runProcess(['/usr/bin/python3', '-m', 'zipfile', '-c', wheel, join(tree, 'tiny.py'), about], {
    env: environment,
  });
  return wheel;
}

async function pythonFiles(): Promise<Record<string, CondaFile>> {
  const { stdout } = await runProcess([
    'dpkg-query',
    '--listfiles',
    'python3.11-minimal',
    'libpython3.11-minimal',
    'libpython3.11-stdlib',
  ]);
  const files: Record<string, CondaFile> = {
    'bin/python': { link: 'python3.11' },
    'bin/python3': { link: 'python3.11' },
    // Debian's own looks for packages, and puts them, in places of Debian's
    'lib/python3.11/sitecustomize.py': {
      content: `import site, sys\nsite.addsitedir(sys.prefix + '/lib/python3.11/site-packages')\n`,
    },
  };
  for (const path of stdout.toString().split('\n')) {
    if (!/^\/usr\/(?:bin|lib\/python3\.11)\//.test(path) || path.endsWith('/EXTERNALLY-MANAGED')) continue;
    const found = lstatSync(path);
    const place = path.slice('/usr/'.length);
    if (found.isSymbolicLink() && !readlinkSync(path).startsWith('/')) files[place] = { link: readlinkSync(path) };
    if (!found.isFile()) continue;
    const content = place.endsWith('/sysconfig.py')
      ? readFileSync(path, 'utf8').replace("prefix_scheme = 'posix_local'", "prefix_scheme = 'posix_prefix'")
      : readFileSync(path);
    files[place] = { content, mode: found.mode & 0o7777 };
  }
  return files;
}

/** A library that has the prefix in it, as a compiler puts it there. */
async function compiledFiles(folder: string): Promise<Record<string, CondaFile>> {
  mkdirSync(folder, { recursive: true });
  const source = join(folder, 'greet.c');
  const library = join(folder, 'libgreet.so.1');
  writeFileSync(source, `const char *greet(void) { return "${placeholder}/share"; }\n`);
  await runProcess(['gcc', '-shared', '-fPIC', '-Wl,-soname,libgreet.so.1', '-o', library, source], {
    env: environment,
  });
  return {
    'lib/libgreet.so.1': { content: readFileSync(library), mode: 0o755, replace: 'binary' },
    'lib/libgreet.so': { link: 'libgreet.so.1' },
    'lib/pkgconfig/greet.pc': { content: `prefix=${placeholder}\nlibdir=${placeholder}/lib\n`, replace: 'text' },
    'bin/greet': { content: `#!${placeholder}/bin/python3.11 -s\nprint("hi")\n`, replace: 'text', mode: 0o755 },
    'etc/conda/env_vars.d/greet.json': { content: '{"GREET_HOME": "x"}' },
    'share/both': { content: 'libgreet' },
  };
}

/** What a person would have told pip on this machine. */
function passedOn(): Record<string, string> {
  const names = Object.keys(process.env).filter((name) => /^(?:https?|no)_proxy$|^PIP_|_CERT|^SSL_/i.test(name));
  return Object.fromEntries(names.map((name) => [name, process.env[name] ?? '']));
}
