import { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Laid } from './merge.ts';

/*
 * Python's byte-compilation takes longer than all other maintainer scripts together, and dpkg runs them one by one.
 * So while dpkg configures, each Python's `py_compile` program is a stub that only notes what it is asked to compile.
 * At the same time a driver compiles what will be asked for into a folder aside (PYTHONPYCACHEPREFIX, which also the
 * maintainer scripts' own Pythons read and write); when dpkg is done it moves what was asked for into its place, and
 * compiles the rest on all cores, with the very calls that were noted. The files come out the same, wherever it is
 * done: before Python 3.11, sets of constants are written in the order of their hashes, which are therefore not drawn
 * at random here.
 */
/** Where our own files lie in a tree that is being laid; taken away at the end. */
export const workFolder = '/.repronim-lay';

/** Puts stub, plan and driver into the tree's work folder. The versions of Python 3 that it is done for: `3.11`. */
export function prepareBytecode(root: string, packages: readonly Laid[]): readonly string[] {
  const versions = versionsWith('py_compile.py', packages);
  // a minimal Python compiles what little it has by itself: the driver needs more of the library
  const whole = versionsWith('json/__init__.py', packages);
  return stubbed(
    root,
    packages,
    versions.filter((version) => whole.includes(version)),
  );
}

/** The versions of Python whose library has this file. */
function versionsWith(file: string, packages: readonly Laid[]): readonly string[] {
  const form = /^f\/usr\/lib\/python(3\.[0-9]+)\/(.+)$/;
  return packages.flatMap(({ payload }) =>
    payload.entries.flatMap((entry) => {
      const [, version = '', path] = form.exec(entry) ?? [];
      return path === file ? [version] : [];
    }),
  );
}

function stubbed(root: string, packages: readonly Laid[], versions: readonly string[]): readonly string[] {
  for (const version of versions) {
    const original = join(root, `usr/lib/python${version}/py_compile.py`);
    const kept = join(root, workFolder, `python${version}/py_compile.py`);
    mkdirSync(join(kept, '..'));
    const { atimeMs, mtimeMs, mode } = lstatSync(original);
    const source = readFileSync(original, 'utf8');
    renameSync(original, kept);
    writeFileSync(original, `${stub(version)}\n${source}`, { flag: 'wx' });
    chmodSync(original, mode & 0o777);
    utimesSync(original, atimeMs / 1000, mtimeMs / 1000);
    writeFileSync(
      join(root, workFolder, `plan-${version}.json`),
      JSON.stringify(expected(version, versions, packages)),
    );
  }
  if (versions.length > 0) writeFileSync(join(root, workFolder, 'compile.py'), driver);
  return versions;
}

/** The driver's call for one interpreter. It ends when dpkg has, and what was asked for is compiled. */
export function bytecodeArgv(version: string): readonly [string, ...string[]] {
  return [`/usr/bin/python${version}`, '-B', '-I', '-S', `${workFolder}/compile.py`, version];
}

/** What will be asked for, most likely: the standard library, and the modules of all packages. */
function expected(version: string, versions: readonly string[], packages: readonly Laid[]): unknown {
  const library: string[] = [];
  const modules: string[] = [];
  for (const { deb, payload } of packages) {
    const isLibrary = deb.name.startsWith(`libpython${version}-`);
    for (const entry of payload.entries) {
      if (!entry.startsWith('f') || !entry.endsWith('.py')) continue;
      const path = entry.slice(1);
      if (isLibrary && path.startsWith(`/usr/lib/python${version}/`)) library.push(path);
      else if (versions.length === 1 && path.startsWith('/usr/lib/python3/dist-packages/')) modules.push(path);
    }
  }
  return { library, modules };
}

/** What stands in front of py_compile's own source meanwhile. */
function stub(version: string): string {
  return `\
if __name__ == '__main__':
    import json, os, sys, time
    w = '${workFolder}'
    files = sys.argv[1:]
    if files == ['-']:
        files = [line.rstrip('\\n') for line in sys.stdin]
    call = [sys.flags.ignore_environment, sys.flags.no_site, sys.flags.optimize, __spec__ is not None]
    if sys.flags.optimize < 3 and os.path.isdir(w):
        with open(w + '/asked-${version}', 'a') as f:
            f.write(json.dumps([call, files]) + '\\n')
        for _ in range(60000):
            if os.path.exists(w + '/library-${version}'):
                break
            time.sleep(0.005)
        sys.exit(0)`;
}

/** Runs in the tree, by the Python that it compiles for. */
const driver = `\
import json, os, queue, subprocess, sys, threading, time
version = sys.argv[1]
w = '${workFolder}'
kept = w + '/python' + version
cache = w + '/pycache'
original = '/usr/lib/python' + version + '/py_compile.py'
python = '/usr/bin/python' + version
cores = len(os.sched_getaffinity(0))
plan = json.load(open(w + '/plan-' + version + '.json'))
LIBRARY, MODULE = (1, 1, 0, False), (0, 0, 0, True)
todo = queue.Queue()
failed = []
done = {}
def put(call, files, ahead):
    files = [f for f in files if f != original]
    for i in range(0, len(files), 140):
        todo.put((call, files[i:i + 140], ahead))
def command(call, files, source):
    ignore, nosite, optimize, module = call
    argv = [python, '-B'] + ['-S'] * bool(nosite) + ['-O'] * optimize
    if module:
        return argv + ['-m', 'py_compile', '-'], ''.join(f + '\\n' for f in files)
    return argv + [source] + files, ''
def compile(call, files, ahead, source=kept + '/py_compile.py'):
    argv, given = command(call, files, source)
    env = dict(os.environ, PYTHONPATH=kept, PYTHONHASHSEED='0')
    env.pop('PYTHONPYCACHEPREFIX', None)
    if ahead:
        env['PYTHONPYCACHEPREFIX'] = cache
    r = subprocess.run(argv, input=given.encode('utf-8', 'surrogateescape'), env=env, cwd='/',
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if ahead and r.returncode == 0:
        for f in files:
            done.setdefault(f, set()).add(tuple(call))
    elif not ahead and r.returncode != 0:
        failed.append(r.stderr.decode('utf-8', 'replace')[-500:])
def work():
    while True:
        item = todo.get()
        compile(*item)
        todo.task_done()
def start(count):
    for _ in range(count):
        threading.Thread(target=work, daemon=True).start()
def pyc(folder, name, optimize):
    tail = '.opt-%d' % optimize if optimize else ''
    return '%s/%s.%s%s.pyc' % (folder, name[:-3], sys.implementation.cache_tag, tail)
def place(f, optimize):
    folder, name = os.path.split(f)
    try:
        os.mkdir(folder + '/__pycache__', 0o755)
    except FileExistsError:
        pass
    os.rename(pyc(cache + folder, name, optimize), pyc(folder + '/__pycache__', name, optimize))
put(LIBRARY, plan['library'], True)
start(max(1, cores - 1))
todo.join()
open(w + '/library-' + version, 'x').close()
put(MODULE, plan['modules'], True)
while not os.path.exists(w + '/configured'):
    time.sleep(0.005)
start(1)
todo.join()
asked = {}
try:
    for line in open(w + '/asked-' + version):
        call, files = json.loads(line)
        for f in files:
            asked.setdefault(f, set()).add(tuple(call))
except FileNotFoundError:
    pass
rest = {}
for f, calls in asked.items():
    for call in calls:
        if call in done.get(f, ()):
            place(f, call[2])
        else:
            rest.setdefault(call, []).append(f)
for call, files in rest.items():
    put(call, files, False)
todo.join()
os.rename(kept + '/py_compile.py', original)
for call in asked.get(original, ()):
    compile(call, [original], False, original)
expected = set(plan['library'] + plan['modules'])
for folder, _, names in os.walk(cache):
    folder = folder[len(cache):]
    for name in names:
        stem = name.split('.' + sys.implementation.cache_tag)[0]
        source = folder + '/' + stem + '.py'
        if stem != name and source not in expected and source != original and not folder.startswith(w):
            if os.path.exists(source):
                place(source, 0)
if failed:
    sys.stderr.write('\\n'.join(failed))
    sys.exit(1)
`;
