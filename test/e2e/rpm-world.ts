import { existsSync, lstatSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { runProcess } from '../../src/sessions/process.ts';
import { need } from './need.ts';

const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: '/nonexistent' };

/** A root of real rpm packages with a working rpm in it, and the .rpms that it is made of. */
export interface RpmWorld {
  readonly root: string;
  readonly packages: string;
}

/** Where rpm's database is, which Debian's rpm has in the home. */
export const databasePath = '/var/lib/rpm';

/**
 * Makes one below `folder`: this machine's own bash, coreutils, rpm and what they need as rpm packages (names stay
 * Debian's), and `sample` with everything that a package can have; installed by this machine's rpm.
 */
export async function makeRpmWorld(folder: string): Promise<RpmWorld> {
  await need('rpm', 'dash', 'sed', 'grep', 'findutils');
  const build = join(folder, 'build');
  mkdirSync(build, { recursive: true });
  const names = await closureOf(['rpm', 'bash', 'dash', 'coreutils', 'sed', 'grep', 'findutils', 'libc-bin', 'dpkg']);
  const owned = new Set<string>();
  const packages = await Promise.all(names.map((name) => readDebian(name)));
  const parts = packages.map(({ name, version, needs, paths }) => {
    const files = paths.filter((path) => !owned.has(path) && owned.add(path));
    writeFileSync(join(build, `${name}.files`), `${files.map((path) => entry(path)).join('\n')}\n`);
    return subpackage(
      name,
      version,
      needs.filter((need) => names.includes(need) && need !== name),
      build,
    );
  });
  writeFileSync(join(build, 'paths'), [...owned].map((path) => `.${path}\0`).join(''));
  writeFileSync(join(build, 'debian.spec'), `${head}${parts.join('')}`);
  writeFileSync(join(build, 'filesystem.spec'), filesystem);
  writeFileSync(join(build, 'sample.spec'), sample);
  writeFileSync(join(build, 'pair.spec'), pair);
  for (const [spec, ...target] of [['filesystem'], ['sample'], ['debian'], ['pair'], ['pair', '--target=i686']]) {
    await runProcess(
      [
        'rpmbuild',
        '--quiet',
        '-bb',
        ...target,
        '--define',
        `_topdir ${build}/top`,
        '--define',
        `paths ${build}/paths`,
        `${build}/${spec}.spec`,
      ],
      { env },
    );
  }
  const made = join(folder, 'packages');
  mkdirSync(made);
  const found = await runProcess(['find', `${build}/top/RPMS`, '-name', '*.rpm'], { env });
  const files = found.stdout.toString().trim().split('\n');
  await runProcess(['mv', '--', ...files, made], { env });
  const root = join(folder, 'root');
  mkdirSync(root);
  const all = files.map((file) => join(made, file.slice(file.lastIndexOf('/') + 1)));
  await runProcess(
    ['rpm', '--root', root, '--dbpath', databasePath, '--define', '_flush_io 0', '-i', '--nosignature', ...all],
    { env },
  );
  await runProcess(['rm', '-rf', build], { env });
  return { root, packages: made };
}

async function closureOf(start: readonly string[]): Promise<string[]> {
  const { stdout } = await runProcess(
    ['dpkg-query', '-W', '-f', '${Package}\t${Depends},${Pre-Depends}\t${Provides}\n'],
    { env },
  );
  const rows = stdout
    .toString()
    .trim()
    .split('\n')
    .map((line) => line.split('\t'));
  const needs = new Map(rows.map(([name = '', depends = '']) => [name, depends]));
  const provided = new Map(rows.flatMap(([name = '', , provides = '']) => words(provides).map((word) => [word, name])));
  const found = new Set<string>();
  const open = [...start];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const real = needs.has(name) ? name : (provided.get(name) ?? '');
    if (found.has(real) || !needs.has(real) || /^(?:perl|debconf|libperl)/.test(real)) continue;
    found.add(real);
    for (const group of (needs.get(real) ?? '').split(',')) {
      const there = group
        .split('|')
        .map((one) => words(one)[0] ?? '')
        .find((one) => needs.has(one) || provided.has(one));
      if (there !== undefined) open.push(there);
    }
  }
  return [...found].sort();
}

function words(text: string): string[] {
  return text
    .split(',')
    .map((one) => one.trim().split(/[ (:]/)[0] ?? '')
    .filter((one) => one !== '');
}

interface Debian {
  readonly name: string;
  readonly version: string;
  readonly needs: readonly string[];
  readonly paths: readonly string[];
}

async function readDebian(name: string): Promise<Debian> {
  const about = await runProcess(['dpkg-query', '-W', '-f', '${Version}\t${Depends},${Pre-Depends}\n', name], { env });
  const listed = await runProcess(['dpkg-query', '-L', name], { env });
  const [version = '', depends = ''] = about.stdout.toString().split('\n')[0]?.split('\t') ?? [];
  const paths = listed.stdout
    .toString()
    .split('\n')
    .filter((path) => /^\/(?:usr|etc|bin|sbin|lib|lib64)\//.test(path) && existsSync(dirname(path)))
    .map((path) => join(realpathSync(dirname(path)), path.slice(path.lastIndexOf('/') + 1)))
    .filter(
      (path) =>
        !/\/(?:doc|man|locale|info|lintian|bug)\/|^\/etc\/(?:os-|debian|passwd|group|apt)|^\/usr\/lib\/(?:os-|rpm\/macros.d)|["%*?[\]{}]/.test(
          path,
        ),
    )
    .filter((path) => {
      const stat = lstatSync(path, { throwIfNoEntry: false });
      return stat !== undefined && !stat.isDirectory() && !/^\/(?:lib|bin|sbin|lib64)$/.test(path);
    });
  return { name, version, needs: depends.split(/[,|]/).flatMap((one) => words(one)), paths };
}

function entry(path: string): string {
  return path.startsWith('/etc/') ? `%config(noreplace) "${path}"` : `"${path}"`;
}

function subpackage(name: string, version: string, needs: readonly string[], build: string): string {
  const [, epoch, upstream = '', , revision = '1'] = /^(?:([0-9]+):)?(.*?)(-([^-]*))?$/.exec(version) ?? [];
  const clean = (text: string) => text.replaceAll(/[^A-Za-z0-9._+~]/g, '_');
  return `
%package -n ${name}
Version: ${clean(upstream)}
Release: ${clean(revision)}.el8
${epoch === undefined ? '' : `Epoch: ${epoch}\n`}AutoReqProv: no
Summary: ${name}
Requires: filesystem
${[...new Set(needs)].map((need) => `Requires: ${need}\n`).join('')}${name === 'dash' ? 'Provides: /bin/sh\n' : ''}%description -n ${name}
.
%files -n ${name} -f ${build}/${name}.files
`;
}

const head = `\
%define _unpackaged_files_terminate_build 0
%define debug_package %{nil}
%define __os_install_post %{nil}
%define _build_id_links none
%define _binary_payload w1.gzdio
Name: converted
Version: 1
Release: 1.el8
Summary: converted
License: various
Vendor: CentOS
AutoReqProv: no
%description
.
%install
mkdir -p %{buildroot}
tar -C / --null --files-from=%{paths} -cf - | tar -C %{buildroot} -xf -
`;

const filesystem = `\
%define _binary_payload w2.xzdio
Name: filesystem
Version: 3.8
Release: 6.el8
Summary: The basic directory layout
License: Public Domain
Vendor: CentOS
BuildArch: noarch
AutoReqProv: no
%description
.
%install
cd %{buildroot}
mkdir -p usr/bin usr/sbin usr/lib usr/lib64 etc/yum.repos.d var/lib/rpm var/log var/tmp tmp root proc sys dev run home
for d in bin sbin lib lib64; do ln -s usr/$d $d; done
chmod 1777 tmp var/tmp; chmod 700 root
printf 'root:x:0:0:root:/root:/bin/bash\\nnobody:x:65534:65534:nobody:/:/sbin/nologin\\n' >etc/passwd
printf 'root:x:0:\\nnobody:x:65534:\\n' >etc/group
printf 'NAME="CentOS Linux"\\nVERSION="8"\\nID="centos"\\nID_LIKE="rhel fedora"\\nVERSION_ID="8"\\n' >etc/os-release
%files
/
%config(noreplace) %verify(not md5 size mtime) /etc/passwd
%config(noreplace) %verify(not md5 size mtime) /etc/group
`;

const sample = `\
%define _binary_payload w3.zstdio
Name: sample
Epoch: 2
Version: 1.0~rc1
Release: 3.module_el8.4.0+1+abcdef
Summary: everything that a package can have
License: MIT
Vendor: CentOS
BuildArch: noarch
AutoReqProv: no
Requires: bash
Requires(post): coreutils grep
%description
Name: not-a-name
%install
cd %{buildroot}
mkdir -p usr/bin usr/share/sample usr/share/doc/sample etc/sample.d var/lib/sample
printf '#!/bin/sh\\necho sample\\n' >usr/bin/sample; chmod 755 usr/bin/sample; ln -s sample usr/bin/sample-link
cp usr/bin/sample usr/bin/sample-raw
for n in one two three four five; do echo "$n" >"usr/share/sample/$n"; done
ln usr/share/sample/one usr/share/sample/one-again
printf 'ü\\n' >"usr/share/sample/größe"
echo doc >usr/share/doc/sample/README
echo 'a = 1' >etc/sample.conf; echo 'b = 1' >etc/sample.d/b.conf; : >etc/sample.state
%post
echo made >/etc/sample.state
grep -q '^sample:' /etc/passwd || echo 'sample:x:201:201::/:/bin/false' >>/etc/passwd
grep -q '^sample:' /etc/group || echo 'sample:x:201:' >>/etc/group
echo "$1" >/var/lib/sample/configured
%files
/usr/bin/sample
/usr/bin/sample-link
%caps(cap_net_raw=ep) /usr/bin/sample-raw
/usr/share/sample
%attr(2755,root,root) %dir /var/lib/sample
%doc /usr/share/doc/sample/README
%config(noreplace) /etc/sample.conf
%config /etc/sample.d/b.conf
%ghost %config /etc/sample.state
`;

const pair = `\
%define _build_id_links none
Name: pair
Version: 1.0
Release: 1.el8
Summary: of two architectures, which share a file
License: MIT
Vendor: CentOS
AutoReqProv: no
Requires: filesystem
ModularityLabel: pair:1:8040020210101:abcdef
%description
.
%install
cd %{buildroot}
mkdir -p usr/share/pair usr/lib/%{_target_cpu}
echo both >usr/share/pair/shared; echo %{_target_cpu} >usr/lib/%{_target_cpu}/pair
%files
/usr/share/pair
/usr/lib/%{_target_cpu}/pair
`;
