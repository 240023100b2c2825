import { createHash } from 'node:crypto';

import { parseHistory } from '../../src/distributions/conda/history.ts';
import { parseCondarc } from '../../src/distributions/conda/condarc.ts';
import { parseWish as parseCondaWish } from '../../src/distributions/conda/match.ts';
import { parseObject, parsePaths, parseRecord as parseCondaRecord } from '../../src/distributions/conda/record.ts';
import { parseNetrc } from '../../src/archives/logins.ts';
import { parseLabels } from '../../src/formats/image/sif.ts';
import { parseInspected, toInspected } from '../../src/distributions/image/inspect.ts';
import { parseUse } from '../../src/distributions/image/uses.ts';
import { parseModulefile } from '../../src/distributions/modules/modulefile.ts';
import { parseBucket } from '../../src/distributions/npm/cacache.ts';
import { parseNpmrc } from '../../src/distributions/npm/client.ts';
import { parseIntegrity } from '../../src/distributions/npm/integrity.ts';
import { parseManifest, parseNpmLock, parsePnpmLock, parseYarnLock } from '../../src/distributions/npm/parse-locks.ts';
import { parseDescription } from '../../src/distributions/r/description.ts';
import { parseGemspec } from '../../src/distributions/gem/gemspec.ts';
import { parseInstall, parsePacklist, parsePerllocal, parseVersion } from '../../src/distributions/cpan/installed.ts';
import { parseProperties } from '../../src/distributions/svn/properties.ts';
import { readSpec } from '../../src/formats/spec/read.ts';
import { parseParagraphs } from '../../src/toolkits/apt/deb822.ts';
import { scanIndex } from '../../src/toolkits/apt/read/lists.ts';
import { readCertificates, readIssuers } from '../../src/toolkits/apt/read/openpgp.ts';
import { parsePreferences } from '../../src/toolkits/apt/read/preferences.ts';
import { parseRelease } from '../../src/toolkits/apt/read/release.ts';
import { parseDeb822, parseOneLine } from '../../src/toolkits/apt/read/sources.ts';
import { parseSums } from '../../src/toolkits/apt/read/sums.ts';
import { parseRelations } from '../../src/toolkits/apt/relations.ts';
import { splitClearsigned } from '../../src/toolkits/apt/solve/signature.ts';
import { parseIndexPage } from '../../src/toolkits/python/index-page.ts';
import {
  parseDirectUrl,
  parseEntryPoints,
  parseMetadata,
  parseVenvConfig,
  parseWheelInfo,
} from '../../src/toolkits/python/metadata.ts';
import { parseRecord } from '../../src/toolkits/python/record.ts';
import { parseReport } from '../../src/toolkits/python/report.ts';
import { parseRequirement } from '../../src/toolkits/python/requirement.ts';
import { parseWheelName } from '../../src/toolkits/python/wheel.ts';
import { parseWish } from '../../src/toolkits/rpm/names.ts';
import { parseMirrors } from '../../src/toolkits/rpm/lay/wanted.ts';
import { decodeCapabilities, parseCapabilities } from '../../src/toolkits/rpm/read/capabilities.ts';
import { scanPrimary } from '../../src/toolkits/rpm/read/primary.ts';
import { parseIni } from '../../src/toolkits/rpm/read/repositories.ts';
import { parseEvr } from '../../src/toolkits/rpm/version.ts';
import { parseEasyconfig, parseSpackSpec } from '../../src/toolkits/trees/built-by.ts';
import { formatTree, parseTree } from '../../src/toolkits/trees/entries.ts';
import { parseKey } from '../../src/toolkits/vcs/annex/key.ts';
import { parsePresence, parseRemoteLog } from '../../src/toolkits/vcs/annex/logs.ts';
import { parseConfig } from '../../src/toolkits/vcs/config.ts';
import { parsePointer } from '../../src/toolkits/vcs/pointer.ts';
import { lookHere } from '../../src/tracers/strace/look.ts';
import { parseFormat } from '../../src/tracers/strace/programs.ts';
import { reportScene } from '../../src/tracers/strace/report.ts';
import { createScene } from '../../src/tracers/strace/scene.ts';
import { watchLog } from '../../src/tracers/strace/watch.ts';
import { fakeDistributions } from '../fakes/distributions.ts';
import { wholeSpec } from '../fakes/spec-text.ts';
import type { Parser } from './parser.ts';
import {
  armored,
  bucket,
  calls,
  facts,
  key,
  lock,
  lua,
  npmLock,
  paragraphs,
  pnpmLock,
  signature,
  tcl,
  yarnLock,
} from './text-seeds.ts';

function sha1(of: string): string {
  return createHash('sha1').update(of).digest('hex');
}

/** A parser of text, or of bytes that are mostly text. */
function text(name: string, parse: (text: string, bytes: Buffer) => unknown, ...seeds: string[]): Parser {
  return { name, seeds, parse: (bytes) => parse(bytes.toString('utf8'), bytes) };
}

function watch(bytes: Buffer): void {
  const scene = createScene(lookHere(0));
  const watching = watchLog(scene, { cwd: '/w', unprivileged: false });
  watching.reader.push(bytes);
  watching.settle();
  reportScene(scene, watching.main.status ?? 0);
}

export const texts: readonly Parser[] = [
  {
    ...text(
      'spec',
      (_, bytes) => readSpec(bytes, { file: 'x.yaml', distributions: fakeDistributions }),
      wholeSpec,
      wholeSpec + lock,
    ),
    weight: 6,
  },
  { ...text('strace', (_, bytes) => watch(bytes), calls), weight: 4 },
  text(
    'binfmt_misc',
    (one) => parseFormat(one),
    'enabled\ninterpreter /usr/bin/python3\nflags: \noffset 0\nmagic a70d0d0a\nmask ffffffff\n',
  ),
  { ...text('deb822', (one) => [...parseParagraphs(one)], paragraphs), weight: 2 },
  text(
    'apt relations',
    (one) => parseRelations(one),
    'libgcc-s1, libx (>= 1:2~) | liby:any [amd64 !i386] <!nocheck>, c',
  ),
  text('apt index', (_, bytes) => scanIndex(bytes, new Set(['libc6', 'bash', ''])), paragraphs),
  text(
    'apt sources, one line',
    (one) => parseOneLine(one),
    'deb [arch=amd64 signed-by=/k.gpg] http://a.example.org/debian bookworm main non-free # x\n',
  ),
  text(
    'apt sources',
    (one) => parseDeb822(one),
    'Types: deb deb-src\nURIs: http://a.example.org/debian\nSuites: bookworm x-updates\nComponents: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQ==\n',
  ),
  text(
    'apt preferences',
    (one) => parsePreferences(one),
    'Package: *\nPin: release o=Debian,n=bookworm\nPin-Priority: 600\n\nPackage: src:x /re/\nPin: version 1.*\nPin-Priority: -1\n',
  ),
  text('apt release', (_, bytes) => parseRelease(bytes), armored),
  text('clearsigned', (_, bytes) => splitClearsigned(bytes), armored),
  text('md5sums', (one) => parseSums(one), `${'a'.repeat(32)}  usr/bin/x\n${'b'.repeat(32)}  usr/share/y z\n`),
  text(
    'git config',
    (one) => parseConfig(one),
    '[core]\n\tbare = false ; x\n[remote "origin \\"x"]\n\turl = git@x:y\n\tfetch = +refs/*:refs/*\n[include]\npath = ../x\\\n y\n',
  ),
  {
    name: 'openpgp',
    weight: 2,
    seeds: [
      Buffer.from(key, 'base64'),
      `-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n${key.replaceAll(/.{64}/g, '$&\n')}\n=aaaa\n-----END PGP PUBLIC KEY BLOCK-----\n`,
      signature,
    ],
    parse: (bytes) => [readCertificates(bytes), readIssuers(bytes)],
  },
  {
    name: 'tree',
    seeds: [
      formatTree([
        { path: '.', type: 'directory', mode: 0o755, uid: 0, gid: 0, mtime: 0 },
        { path: 'a', type: 'file', mode: 0o644, uid: 1, gid: 2, mtime: 7, size: 2, sha256: 'a'.repeat(64) },
        { path: 'l', type: 'link', mode: 0o777, uid: 0, gid: 0, mtime: 0, target: '../x' },
      ]),
    ],
    parse: (bytes) => ({ paths: (parseTree(bytes) ?? []).map(({ path }) => (path === '.' ? '/' : `/${path}`)) }),
  },
  text(
    'git-lfs pointer',
    (_, bytes) => parsePointer(bytes),
    `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12\n`,
    '/annex/objects/SHA256E-s3--aa.txt\n',
  ),
  text('annex key', (one) => parseKey(one), `SHA256E-s31390-m1700000000-S10-C2--${'f'.repeat(64)}.nii.gz`),
  text(
    'annex presence',
    (one) => parsePresence(one),
    '1700000000.123s 1 11111111-2222-4333-8444-555555555555\n1700000001s 0 x\n',
  ),
  text(
    'annex remotes',
    (one) => parseRemoteLog(one),
    '11111111-2222-4333-8444-555555555555 type=S3 name=s3 bucket=b encryption=none timestamp=1700000000s\n',
  ),
  text(
    'netrc',
    (one) => parseNetrc(one),
    'machine a.example.org login u password "p q"\ndefault login x password y\nmacdef z\n x\n\n',
  ),
  text(
    'spack',
    (one) => parseSpackSpec(one),
    '{"spec":{"nodes":[{"name":"zlib","version":"1.2","hash":"abc","arch":{"platform":"linux"}}]}}',
  ),
  text(
    'easyconfig',
    (one) => parseEasyconfig(one),
    "easyblock = 'CMakeMake'\nname = 'x'\nversion = '1.0'\ntoolchain = {'name': 'GCC', 'version': '12'}\n",
  ),
  {
    ...text(
      'RECORD',
      (_, bytes) => parseRecord(bytes),
      'a/b.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n"a,""b"".py",,\n../../bin/x,md5=x,1\n',
    ),
    weight: 2,
  },
  text(
    'METADATA',
    (_, bytes) => parseMetadata(bytes),
    'Metadata-Version: 2.1\nName: Demo.Pkg\nVersion: 1.0\nRequires-Dist: a>=1; extra == "x"\nDescription: x\n        y\n\nbody\n',
  ),
  text(
    'WHEEL',
    (_, bytes) => parseWheelInfo(bytes),
    'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\nBuild: 1\n',
  ),
  text(
    'direct_url.json',
    (_, bytes) => parseDirectUrl(bytes),
    '{"url":"https://u:p@x/y.git","vcs_info":{"vcs":"git","commit_id":"abc"},"subdirectory":"s"}',
    '{"url":"file:///x","dir_info":{"editable":true}}',
  ),
  text(
    'entry points',
    (_, bytes) => parseEntryPoints(bytes),
    '[console_scripts]\nx = a.b:c.d [extra]\n[gui_scripts]\ny=z:w\n',
  ),
  text(
    'pyvenv.cfg',
    (_, bytes) => parseVenvConfig(bytes),
    'home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11.2\n',
  ),
  text(
    'requirement',
    (one) => parseRequirement(one),
    'Demo[x,y] >=1.0,!=1.3.*,<2 ; python_version < "3.9" and (a or b)',
    'x @ https://e.example.org/x.whl',
  ),
  text(
    'index page',
    (_, bytes) => parseIndexPage(bytes, 'https://i.example.org/simple/x/'),
    `<a href="../x-1-py3-none-any.whl#sha256=${'a'.repeat(64)}" data-requires-python="&gt;=3">x</a>`,
    `{"files":[{"filename":"x-1-py3-none-any.whl","url":"x.whl","hashes":{"sha256":"${'a'.repeat(64)}"},"size":1}]}`,
  ),
  text(
    'pip report',
    (_, bytes) => parseReport(bytes),
    `{"version":"1","install":[{"metadata":{"name":"x","version":"1"},"download_info":{"url":"https://e/x.whl","archive_info":{"hashes":{"sha256":"${'a'.repeat(64)}"}}},"requested":true}]}`,
  ),
  text(
    'wheel name',
    (one) => parseWheelName(one),
    'demo_pkg-1.0+l-1x-cp311.cp312-abi3-manylinux_2_17_x86_64.musllinux_1_1_x86_64.whl',
  ),
  text('rpm wish', (one) => [parseWish(one), parseEvr(one)], 'bash-5.1.8-6.el9_1.x86_64', '1:2.3~rc1-4^git'),
  text(
    'rpm repositories',
    (one) => parseIni(one),
    '[base]\nname=Base $releasever\nbaseurl=http://a.example.org/$basearch\n  http://b\ngpgkey=file:///k\nenabled=1\n',
  ),
  text(
    'file capabilities',
    (one) => [parseCapabilities(one), decodeCapabilities(one)],
    'cap_net_admin,cap_net_raw=ep cap_setuid+i',
    '0100000200200000000000000000000000000000',
  ),
  text(
    'rpm mirrors',
    (one) => parseMirrors(one),
    '# x\nhttp://a.example.org/x\n',
    '<?xml version="1.0"?><metalink><url protocol="https">https://a.example.org/repodata/repomd.xml</url></metalink>',
  ),
  text(
    'primary.xml',
    (one) => scanPrimary(one, () => true),
    `<metadata><package type="rpm"><name>bash</name><arch>x86_64</arch><version epoch="0" ver="5.1" rel="6.el9"/><checksum type="sha256" pkgid="YES">${'a'.repeat(64)}</checksum><size package="1" installed="2"/><location href="Packages/b/bash.rpm"/></package></metadata>`,
  ),
  {
    ...text(
      'conda record',
      (_, bytes) => ({ paths: (parseCondaRecord(bytes)?.paths ?? []).map(({ path }) => `/${path}`) }),
      `{"name":"x","version":"1","build":"0","channel":"https://c.example.org/main","subdir":"linux-64","url":"https://c.example.org/x-1-0.conda","sha256":"${'a'.repeat(64)}","files":["lib/x"],"paths_data":{"paths":[{"_path":"lib/x","path_type":"hardlink","sha256_in_prefix":"${'b'.repeat(64)}","prefix_placeholder":"/p","file_mode":"text"}]}}`,
    ),
    weight: 2,
  },
  text(
    'conda paths',
    (_, bytes) => parsePaths(parseObject(bytes)),
    '{"paths":[{"_path":"lib/x","path_type":"softlink"},{"_path":"../x","path_type":"hardlink"}],"paths_version":1}',
  ),
  text(
    'conda history',
    (one) => parseHistory(one),
    '==> 2024-01-01 00:00:00 <==\n# cmd: conda install x\n+defaults::x-1-0\n# update specs: ["x[version=\'>=1\']", "c::y=2"]\n',
  ),
  text(
    'condarc',
    (one) => parseCondarc(one),
    'channels:\n  - https://c.example.org/main\ndefault_channels: [a]\ncustom_channels: {x: "https://y"}\n',
  ),
  text('conda wish', (one) => parseCondaWish(one), 'numpy>=1.2,<2', 'x 1.2 h1_0'),
  text('package-lock.json', (one) => parseNpmLock(one), npmLock),
  text('pnpm-lock.yaml', (one) => parsePnpmLock(one), pnpmLock),
  text('yarn.lock', (one) => parseYarnLock(one), yarnLock),
  text(
    'package.json',
    (one) => parseManifest(one),
    '{"name":"@a/b","version":"1.0.0","bin":"x.js","dependencies":{"c":"^1"},"bundledDependencies":["c"]}',
  ),
  text(
    'npmrc',
    (one) => parseNpmrc(one),
    'registry=https://r.example.org/\n@a:registry = "https://s"\n//s/:_authToken=${TOKEN}\n; x\n',
  ),
  text('integrity', (one) => parseIntegrity(one), `sha512-${'A'.repeat(86)}== sha1-${'A'.repeat(27)}=`),
  text('npm cache bucket', (one) => parseBucket(one, 'k'), `\n${sha1(bucket)}\t${bucket}`),
  text('svn properties', (_, bytes) => parseProperties(bytes), '(svn:eol-style 6 native svn:keywords 2 Id)'),
  text(
    'R description',
    (one) => parseDescription(one),
    'Package: demo\nVersion: 1.2-3\nDepends: R (>= 4.0), methods\nImports: a (>= 1),\n  b\nBuilt: R 4.2.2; x86_64; 2024; unix\nRemoteType: github\nRemoteSha: abc\nRepository: CRAN\n',
  ),
  text(
    'gemspec',
    (one) => parseGemspec(one),
    '# -*- encoding: utf-8 -*-\nGem::Specification.new do |s|\n  s.name = "demo".freeze\n  s.version = "1.0.0"\n  s.executables = ["x".freeze]\n  s.add_runtime_dependency(%q<a>.freeze, ["~> 1.0"])\nend\n',
  ),
  text(
    'CPAN records',
    (one) => [...parsePacklist(one), parsePerllocal(one), parseInstall(one), parseVersion(one)],
    '/usr/local/share/perl/5.36/X.pm\n/usr/local/bin/x type=file from=blib\n',
    '=head2 Mon Jan  1 00:00:00 2024: C<Module> L<X::Y|X::Y>\n\n=over 4\n\n=item *\n\nC<VERSION: 1.2>\n\n=back\n',
    '{"name":"X::Y","version":"1.2","dist":"X-Y-1.2","pathname":"A/AB/ABC/X-Y-1.2.tar.gz","provides":{}}',
    'package X;\nour $VERSION = version->declare("v1.2.3");\n',
  ),
  { ...text('modulefile, Tcl', (one) => parseModulefile(one, facts), tcl), weight: 3 },
  { ...text('modulefile, Lua', (one) => parseModulefile(one, { ...facts, file: '/m/tool/1.0.lua' }), lua), weight: 3 },
  text(
    'image labels',
    (one) => [parseLabels(one), toInspected(parseInspected(one))],
    '{"data":{"attributes":{"labels":{"a":"b"}}}}',
    '[{"Id":"sha256:aa","RepoDigests":["x@sha256:bb"],"Config":{"Labels":{"a":"b"}},"Architecture":"amd64"}]',
  ),
  text(
    'image command',
    (one) => parseUse('/usr/bin/docker', one.split(' ')),
    'docker --host unix:///x run --rm -v /a:/b:ro -e X=y --name n debian:12 ls -l',
    'docker exec -it c sh',
  ),
];
