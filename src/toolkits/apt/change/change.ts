import type { Exact } from '../../../contract/index.ts';
import { canonicalJson, type ContentRef, type Step } from '../../../model/index.ts';
import { plan } from '../lay/plan.ts';
import { packageKey, type AptLock, type AptPackage, type AptSpec } from '../spec.ts';

/** Ours alone, inside of what is changed; gone when that is done. */
const folder = '/.repronim-change';

/**
 * Everything by the instance's own dpkg: what goes first, then what comes, without asking and without starting
 * anything. `gone` has names, `new` files, `holds` selections; each line is a word. Done again after it was
 * interrupted, it goes on where it was.
 */
const script = `
set -eu
cd /
w=${folder}
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C.UTF-8
if [ -e /usr/sbin/policy-rc.d ] && ! cmp -s $w/policy-rc.d /usr/sbin/policy-rc.d; then mv /usr/sbin/policy-rc.d $w/policy-kept; fi
cp -p $w/policy-rc.d /usr/sbin/policy-rc.d
restore() {
  rm -f /usr/sbin/policy-rc.d
  [ ! -e $w/policy-kept ] || mv $w/policy-kept /usr/sbin/policy-rc.d
}
trap restore EXIT
[ ! -s $w/gone ] || xargs dpkg --force-depends --purge <$w/gone
[ ! -s $w/new ] || xargs dpkg --force-unsafe-io --force-depends --force-downgrade --force-confdef --force-confold --unpack <$w/new
dpkg --force-unsafe-io --force-confdef --force-confold --configure -a
[ ! -s $w/holds ] || dpkg --set-selections <$w/holds
for partial in /var/cache/apt/archives/partial /var/lib/apt/lists/partial; do
  [ ! -d $partial ] || chmod 0700 $partial
done
`;

/** What turns a live system from one exact state into the other: packages, then what the plan of each has besides. */
export function change(from: Exact<AptSpec, AptLock>, to: Exact<AptSpec, AptLock>): readonly Step[] {
  const held = new Map(from.lock.packages.map((one) => [packageKey(one), one]));
  const wanted = new Map(to.lock.packages.map((one) => [packageKey(one), one]));
  const gone = from.lock.packages.filter((one) => !wanted.has(packageKey(one)));
  const fresh = to.lock.packages.filter((one) => !isThere(one, held.get(packageKey(one))));
  const selected = to.lock.packages.filter((one) => (held.get(packageKey(one))?.hold ?? false) !== (one.hold ?? false));
  const packages = gone.length + fresh.length + selected.length > 0 ? packageSteps(gone, fresh, selected) : [];
  return [...packages, ...listSteps(to.made), ...otherSteps(from, to)];
}

function isThere(one: AptPackage, held: AptPackage | undefined): boolean {
  return (
    held?.version === one.version && (held.sha256 === one.sha256 || held.repacked === true || one.repacked === true)
  );
}

function packageSteps(
  gone: readonly AptPackage[],
  fresh: readonly AptPackage[],
  selected: readonly AptPackage[],
): readonly Step[] {
  const because = 'for dpkg to work with, and gone afterwards';
  const file = (name: string, lines: readonly string[]): Step => ({
    do: 'write',
    path: `${folder}/${name}`,
    content: lines.map((line) => `${line}\n`).join(''),
    because,
  });
  const named = (one: AptPackage) => (one.architecture === 'all' ? one.name : packageKey(one));
  const counts = [
    ...(fresh.length > 0 ? [`installs ${listed(fresh.map(({ name, version }) => `${name} ${version}`))}`] : []),
    ...(gone.length > 0 ? [`takes out ${listed(gone.map(({ name }) => name))}`] : []),
    ...(selected.length > 0 ? [`sets what is on hold`] : []),
  ];
  return [
    { do: 'directory', path: folder, mode: '0755', because },
    ...fresh.map(({ name, version, sha256, size }, index): Step => ({
      do: 'write',
      path: `${folder}/${index}.deb`,
      content: { sha256, size },
      because: `${name} ${version}`,
    })),
    file('gone', gone.map(named)),
    file(
      'new',
      fresh.map((_, index) => `${folder}/${index}.deb`),
    ),
    file(
      'holds',
      selected.map((one) => `${named(one)} ${one.hold === true ? 'hold' : 'install'}`),
    ),
    { do: 'write', path: `${folder}/policy-rc.d`, content: '#!/bin/sh\nexit 101\n', mode: '0755', because },
    { do: 'run', argv: ['/bin/sh', '-c', script], because: counts.join('; ') },
    { do: 'remove', path: folder, because: 'dpkg is done' },
  ];
}

function listed(names: readonly string[]): string {
  return names.length <= 6 ? names.join(', ') : `${names.slice(0, 6).join(', ')} and ${names.length - 6} more`;
}

function listSteps({ lists }: Readonly<Record<string, ContentRef>>): readonly Step[] {
  if (lists === undefined) return [];
  return [{ do: 'unpack', archive: lists, into: '/', because: 'what apt knows of where these come from' }];
}

/** What only one of the two plans has: the new one's is done, and files that only the old one wrote go. */
function otherSteps(from: Exact<AptSpec, AptLock>, to: Exact<AptSpec, AptLock>): readonly Step[] {
  const [old, now] = [plan(from.spec, from.lock), plan(to.spec, to.lock)];
  const same = new Set(old.map(canonicalJson));
  const paths = new Set(now.flatMap((step) => ('path' in step ? [step.path] : [])));
  const left = old.filter(
    (step) => (step.do === 'write' || step.do === 'link') && step.path.startsWith('/etc/apt/') && !paths.has(step.path),
  );
  return [
    ...left.flatMap((step): Step[] =>
      'path' in step ? [{ do: 'remove', path: step.path, because: 'not asked for any more' }] : [],
    ),
    ...now.filter((step) => !same.has(canonicalJson(step))),
  ];
}
