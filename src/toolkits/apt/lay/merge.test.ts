import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseParagraphs } from '../deb822.ts';
import { arrange } from './arrange.ts';
import { aliasesOf, merge, type Laid } from './merge.ts';
import { preinstKind } from './preinst.ts';

function laid(control: string, entries: readonly string[], preinst?: string, links: Record<string, string> = {}): Laid {
  const [paragraph] = parseParagraphs(control);
  const fields = paragraph?.fields ?? new Map<string, string>();
  const name = fields.get('package') ?? '';
  const file = (content: string) => ({ mode: 0o755, mtime: 0, content: Buffer.from(content) });
  return {
    deb: { name, version: fields.get('version') ?? '1', architecture: 'amd64', sha256: name, file: name },
    payload: {
      file: name,
      control: preinst === undefined ? [] : [{ name: 'preinst', ...file(preinst) }],
      entries,
      links,
      directories: [],
      conffiles: {},
      size: 0,
      crc: 0,
    },
    fields,
    control,
  };
}

test('of two packages with one file, the one that replaces the other has it, whatever the order and the spelling', () => {
  const old = laid('Package: old\nVersion: 1', ['d/bin', 'f/bin/x', 'f/bin/y']);
  const fresh = laid('Package: new\nReplaces: old (<< 2)', ['d/usr', 'd/usr/bin', 'f/usr/bin/x']);
  const aliases = aliasesOf([old, fresh]);
  assert.deepEqual(
    merge([old, fresh], aliases).skip.map((paths) => [...paths].sort()),
    [['/bin/x', '/usr/bin/x'], []],
  );
  assert.deepEqual(
    merge([fresh, old], aliases).skip.map((paths) => [...paths].sort()),
    [[], ['/bin/x']],
  );
  assert.deepEqual(
    merge([old, fresh], new Map()).skip.map((paths) => [...paths]),
    [[], []],
  );
});

test('two architectures of a package share their files', () => {
  const one = laid('Package: lib\nMulti-Arch: same', ['f/usr/share/doc/lib/copyright']);
  assert.deepEqual(
    merge([one, one], new Map()).skip.map((paths) => [...paths]),
    [[], ['/usr/share/doc/lib/copyright']],
  );
});

test('a link in the place of a folder of others is made first', () => {
  const link = laid('Package: a', ['l/usr/share/doc/a'], undefined, { '/usr/share/doc/a': 'b' });
  const through = laid('Package: c', ['d/usr/share/doc/a', 'f/usr/share/doc/a/c']);
  assert.deepEqual(merge([through, link], new Map()).links, [['/usr/share/doc/a', 'b']]);
});

test("links of base-files to a merged /usr are the tree's own", () => {
  const base = laid('Package: base-files', ['l/bin', 'l/lib', 'l/lib64', 'l/sbin', 'd/usr', 'd/usr/bin'], undefined, {
    '/bin': 'usr/bin',
  });
  const { links } = merge([base], aliasesOf([base]));
  assert.deepEqual(links, [
    ['/bin', 'usr/bin'],
    ['/lib', 'usr/lib'],
    ['/lib64', 'usr/lib64'],
    ['/sbin', 'usr/sbin'],
  ]);
});

test('a preinst is known by what it does when nothing was there', () => {
  const kind = (preinst?: string) => preinstKind(laid('Package: p', [], preinst));
  assert.equal(kind(), 'none');
  // login of bookworm
  assert.equal(
    kind(
      '#!/bin/sh\nset -e\n# Automatically added\ndpkg-maintscript-helper rm_conffile /etc/securetty 1:4.7-1\\~ -- "$@"\n',
    ),
    'none',
  );
  // python3.11-minimal of bookworm, in short
  assert.equal(kind('#!/bin/sh\nset -e\ncase "$1" in\n  install) mkdir -p /var/lib/python ;;\nesac\n'), 'after');
  assert.equal(kind('#!/bin/sh\ndpkg-divert --package p --add --rename /usr/bin/x\n'), 'before');
  assert.equal(kind('#!/bin/sh\nif [ "$1" = install ]; then\n  adduser --system p\nfi\n'), 'before');
  assert.equal(kind('#!/bin/sh\ndpkg-maintscript-helper rm_conffile /x 1 -- "$@"; rm -rf /y\n'), 'after');
});

test('packages are arranged as apt does: what scripts count on first, the held back last, essential ones never held back', () => {
  const packages = [
    laid('Package: zz-diverts\nDepends: libc', [], '#!/bin/sh\ndpkg-divert --add --rename /x\n'),
    laid('Package: dash\nEssential: yes\nPre-Depends: libc', [], '#!/bin/sh\ndpkg-divert --add --rename /bin/sh\n'),
    laid('Package: libc', []),
    laid('Package: daemon\nPre-Depends: adduser', []),
    laid('Package: adduser\nDepends: passwd | nothing', []),
    laid('Package: passwd', []),
    laid('Package: base-passwd\nEssential: yes', []),
  ];
  const { now, early, late, preinsts } = arrange(packages);
  const names = (list: readonly Laid[]) => list.map(({ deb }) => deb.name);
  assert.deepEqual(names(now), ['base-passwd', 'libc', 'dash', 'passwd', 'adduser', 'daemon']);
  assert.deepEqual(names(early), ['base-passwd', 'libc', 'dash', 'passwd', 'adduser']);
  assert.deepEqual(names(late), ['zz-diverts']);
  assert.deepEqual(names(preinsts), ['dash']);
  assert.deepEqual(names(arrange(packages.toReversed()).now), names(now));
});
