import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { runProcess } from '../../src/sessions/process.ts';
import { serve, type Served } from '../fakes/serve.ts';
import { makeChannel, rattlerIn } from './conda-world.ts';
import { need } from './need.ts';

/** A study on all layers that a real one may have, and who types its command. */
export interface World extends AsyncDisposable {
  readonly study: string;
  /** The environment of a shell in which the module is loaded. */
  readonly env: Readonly<Record<string, string>>;
}

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Below `place`: a study in git with npm packages, a library in git, a virtual environment over a Python that was
 * installed by hand, a conda prefix, a DataLad dataset with annexed input, a module. All made by their real tools.
 */
export async function makeWorld(place: string, scratch: string): Promise<World> {
  await need('git', 'git-annex', 'datalad', 'nodejs', 'environment-modules', 'tcl', 'python3', 'python3-venv');
  // that of another archive than Debian's brings its own
  if ((await runProcess(['npm', '--version'], { env: { PATH: path }, accept: 'any' })).status !== 0) await need('npm');
  const home = join(scratch, 'person');
  const env = {
    PATH: path,
    LC_ALL: 'C.UTF-8',
    HOME: home,
    GIT_CONFIG_GLOBAL: join(home, '.gitconfig'),
    ...passedOn(),
  };
  const run = async (cwd: string, ...argv: [string, ...string[]]) =>
    (await runProcess(argv, { cwd, env, timeoutMs: 240_000 })).stdout.toString();
  mkdirSync(home, { recursive: true });
  writeFileSync(env.GIT_CONFIG_GLOBAL, '[user]\n\tname = a\n\temail = a@example.org\n[init]\n\tdefaultBranch = main\n');

  const study = join(place, 'study');
  const files: Readonly<Record<string, string>> = {
    'study/run': `#!/bin/bash
set -e
{
  awk '{ sum += $1 } END { print "awk", sum }' ../dataset/numbers.dat
  ../env/bin/python fast.py
  ../conda/bin/pure-cli
  node escape.js
  echo 14 | scale
} > table.txt
`,
    'study/fast.py': `import sys
sys.path.insert(0, '../library')
import markupsafe._speedups, library
print('python', sys.version.split()[0], markupsafe.escape('<b>'), library.word)
`,
    'study/escape.js': `console.log('node', require('escape-string-regexp')('a.b'));\n`,
    'study/.gitignore': 'node_modules\ntable.txt\n',
    'study/package.json': '{"name": "study", "private": true, "dependencies": {"escape-string-regexp": "4.0.0"}}\n',
    'library/library.py': `word = 'of the library'\n`,
    'sw/scaler/1.2/bin/scale': '#!/bin/sh\nread n; read by < "$SCALER_HOME/share/factor"; echo "module $((n * by))"\n',
    'sw/scaler/1.2/share/factor': '3\n',
    'mf/scaler/1.2': `#%Module1.0\nset root ${place}/sw/scaler/1.2\nprepend-path PATH $root/bin\nsetenv SCALER_HOME $root\n`,
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(place, name)), { recursive: true });
    writeFileSync(join(place, name), content);
    if (content.startsWith('#!/')) chmodSync(join(place, name), 0o755);
  }
  const served = await prefix(place, scratch);
  await Promise.all([environment(place, run), packages(study, run), dataset(place, scratch, run)]);
  for (const name of ['study', 'library']) await checkout(join(place, name), join(scratch, `${name}.git`), run);
  return {
    study,
    env: await loaded(join(place, 'mf'), env),
    [Symbol.asyncDispose]: async () => await served[Symbol.asyncDispose](),
  };
}

type Run = (cwd: string, ...argv: [string, ...string[]]) => Promise<string>;

/** Two commits, the last of which only this machine has. */
async function checkout(tree: string, remote: string, run: Run): Promise<void> {
  await run(tree, 'git', 'init', '-q');
  await run(tree, 'git', 'add', '-A');
  await run(tree, 'git', 'commit', '-q', '-m', 'one');
  await run(tree, 'git', 'init', '-q', '--bare', remote);
  await run(tree, 'git', 'remote', 'add', 'origin', remote);
  await run(tree, 'git', 'push', '-q', '-u', 'origin', 'main');
  await run(tree, 'git', 'commit', '-q', '--allow-empty', '-m', 'two');
}

/** A virtual environment over the Python of pyenv, or a stand-in that was copied to where that would be. */
async function environment(place: string, run: Run): Promise<void> {
  const versions = join(process.env['HOME'] ?? '/root', '.pyenv/versions');
  const known = existsSync(versions) ? readdirSync(versions).filter((name) => /^3\.1[1-9]\./.test(name)) : [];
  let python = join(versions, known.sort()[0] ?? '', 'bin/python3');
  if (known.length === 0) {
    const prefix = join(place, '.pyenv/versions/3.11.2');
    mkdirSync(join(prefix, 'bin'), { recursive: true });
    cpSync('/usr/bin/python3.11', join(prefix, 'bin/python3'));
    cpSync('/usr/lib/python3.11', join(prefix, 'lib/python3.11'), { recursive: true, verbatimSymlinks: true });
    python = join(prefix, 'bin/python3');
  }
  await run(place, python, '-m', 'venv', 'env');
  await run(place, join(place, 'env/bin/pip'), '--disable-pip-version-check', '-q', 'install', 'markupsafe==3.0.2');
}

async function packages(study: string, run: Run): Promise<void> {
  await run(study, 'npm', 'install', '--no-audit', '--no-fund', '--loglevel=error');
}

async function dataset(place: string, scratch: string, run: Run): Promise<void> {
  const origin = join(scratch, 'origin');
  await run(scratch, 'datalad', '-l', 'error', 'create', origin);
  writeFileSync(join(origin, 'numbers.dat'), '1\n2\n39\n');
  writeFileSync(join(origin, 'other.dat'), 'not used\n');
  await run(origin, 'datalad', '-l', 'error', 'save', '-m', 'data');
  await run(place, 'datalad', '-l', 'error', 'clone', origin, 'dataset');
  await run(join(place, 'dataset'), 'datalad', '-l', 'error', 'get', 'numbers.dat');
}

/** A conda prefix from a channel of its own; the server stays as long as the world. */
async function prefix(place: string, scratch: string): Promise<Served> {
  await makeChannel(join(scratch, 'channel'));
  const served = await serve(join(scratch, 'channel'));
  const rattler = await rattlerIn(scratch);
  await rattler.install(served.url, join(place, 'conda'), ['pure >=0.5', 'python']);
  return served;
}

async function loaded(modulefiles: string, env: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const load = '. /etc/profile.d/modules.sh; module use "$0"; module load scaler >&2; env -0';
  const { stdout } = await runProcess(['bash', '-c', load, modulefiles], { env });
  const pairs = stdout
    .toString()
    .split('\0')
    .filter((line) => line.includes('=') && !line.startsWith('BASH_FUNC_'));
  return Object.fromEntries(pairs.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

/** What a person would have told pip and npm on this machine. */
function passedOn(): Record<string, string> {
  const names = /^(?:https?|no)_proxy$|^PIP_|^npm_config_|_CERT|^SSL_/i;
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value = '']) => (names.test(name) ? [[name, value]] : [])),
  );
}
