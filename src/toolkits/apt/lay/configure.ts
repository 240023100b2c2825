import type { Session } from '../../../contract/index.ts';
import { UserError, type Argv } from '../../../model/index.ts';
import { CommandFailed } from '../../../sessions/process.ts';
import { bytecodeArgv, workFolder } from './bytecode.ts';

const environment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LC_ALL: 'C.UTF-8',
  LANG: 'C.UTF-8',
  DEBIAN_FRONTEND: 'noninteractive',
  DEBCONF_NONINTERACTIVE_SEEN: 'true',
  PYTHONPYCACHEPREFIX: `${workFolder}/pycache`,
} as const;

/**
 * All maintainer scripts, by the tree's own dpkg; what was installed without its dependencies there is so here. `preinsts` has lines `NAME ARCHITECTURE FILE`, `early` names
 * of packages, `late` files, `holds` selections.
 */
const configureScript = `
set -eu
cd /
w=${workFolder}
while read -r name architecture file; do
  DPKG_MAINTSCRIPT_NAME=preinst DPKG_MAINTSCRIPT_PACKAGE=$name DPKG_MAINTSCRIPT_ARCH=$architecture \\
  DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT=1 DPKG_ROOT= "/var/lib/dpkg/info/$file" install </dev/null ||
    { echo "the preinst of $name failed" >&2; exit 1; }
done <$w/preinsts
[ ! -e /usr/sbin/policy-rc.d ] || mv /usr/sbin/policy-rc.d $w/policy-kept
cp -p $w/policy-rc.d /usr/sbin/policy-rc.d
[ -e /etc/hosts ] || { cat $w/hosts >/etc/hosts; : >$w/hosts-made; }
xargs -r dpkg --force-unsafe-io --force-depends --configure <$w/early
[ ! -s $w/late ] || xargs dpkg --force-unsafe-io --unpack <$w/late
dpkg --force-unsafe-io --configure -a 2>$w/said || {
  cat $w/said >&2
  grep -q 'dependency problems' $w/said
  dpkg --force-unsafe-io --force-depends --configure -a
}
[ ! -s $w/holds ] || dpkg --set-selections <$w/holds
: >$w/configured
`;

/** What dpkg and apt leave as they run, and ours taken away. */
const finishScript = `
set -eu
cd /
w=${workFolder}
for kept in $w/python*/py_compile.py; do
  [ -e "$kept" ] || continue
  version=\${kept#$w/}
  mv -f "$kept" "/usr/lib/\${version%/py_compile.py}/py_compile.py"
done
rm -f /usr/sbin/policy-rc.d
[ ! -e $w/policy-kept ] || mv $w/policy-kept /usr/sbin/policy-rc.d
[ ! -e $w/hosts-made ] || [ -e /var/lib/dpkg/info/netbase.list ] || rm -f /etc/hosts
for partial in /var/cache/apt/archives/partial /var/lib/apt/lists/partial; do
  [ -d $partial ] || continue
  chmod 0700 $partial
  [ "$1" = no ] || ! grep -q '^_apt:' /etc/passwd || chown _apt:root $partial
done
rm -rf $w
`;

/**
 * Configures everything in the tree, confined as the session is; nothing is started. `pythons` are the interpreters
 * whose byte-compilation goes on beside dpkg; `under` the words of a program that maintainer scripts run under.
 */
export async function configure(
  pythons: readonly string[],
  session: Session,
  signal: AbortSignal,
  under: readonly string[],
): Promise<void> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const run = async (argv: readonly [string, ...string[]]) => {
    try {
      await session.run(argv, { env: environment, signal: either });
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  };
  const outcomes = await Promise.allSettled([
    run(argvOf(under, ['/bin/sh', '-c', configureScript])),
    ...pythons.map((version) => run(bytecodeArgv(version))),
  ]);
  signal.throwIfAborted();
  const failed = outcomes.map((outcome) => (outcome.status === 'rejected' ? (outcome.reason as unknown) : undefined));
  const first =
    failed.find((reason) => reason instanceof CommandFailed) ?? failed.find((reason) => reason !== undefined);
  if (first instanceof CommandFailed) throw asUserError(first);
  if (first !== undefined) throw first;
}

/** Takes our own files out of the tree. `canGive`: whether files can be given to other users there. */
export async function finish(session: Session, signal: AbortSignal, canGive: boolean): Promise<void> {
  await session.run(['/bin/sh', '-c', finishScript, 'sh', canGive ? 'yes' : 'no'], { env: environment, signal });
}

function argvOf(under: readonly string[], argv: Argv): Argv {
  const [program, ...rest] = [...under, ...argv];
  return [program ?? argv[0], ...rest];
}

function asUserError(failure: CommandFailed): UserError {
  const said = `${failure.result.stdout.toString('utf8')}\n${failure.result.stderr.toString('utf8')}`;
  const lines = said.split('\n').filter((line) => line.trim() !== '');
  const named = lines.filter((line) => /^dpkg: error|failed$|^Errors were|not found|denied|^E:/.test(line)).slice(0, 5);
  return new UserError(
    `the packages could not be configured: ${(named.length > 0 ? named : lines.slice(-3)).join('; ')}`,
    {
      details: lines.slice(-20),
      cause: failure,
    },
  );
}
