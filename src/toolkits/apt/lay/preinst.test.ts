import assert from 'node:assert/strict';
import { test } from 'node:test';

import { preinstKind } from './preinst.ts';

function kindOf(script: string | undefined, entries: readonly string[] = []) {
  const file = { name: 'preinst', mode: 0o755, mtime: 0, content: Buffer.from(script ?? '') };
  const control = script === undefined ? [] : [file];
  const payload = { file: '', control, entries, links: {}, directories: [], conffiles: {}, size: 0, crc: 0 };
  return preinstKind({ payload });
}

test('a preinst is run when everything is there, unless its own files need it before', () => {
  assert.equal(kindOf(undefined), 'none');
  assert.equal(kindOf('#!/bin/sh\nset -e\ndpkg-maintscript-helper rm_conffile /etc/x 1.0~ -- "$@"\nexit 0\n'), 'none');
  assert.equal(kindOf('#!/bin/sh\n[ "$1" != upgrade ] || rm -f /etc/old\n'), 'after');
  assert.equal(kindOf('#!/bin/sh\nadduser --system daemon\n'), 'before');
});

test('a preinst that clears the place of its own files is run before they come', () => {
  // as nodejs of NodeSource has it
  const script = 'if [ -d /usr/lib/node_modules/npm ]; then\n  rm -rf /usr/lib/node_modules/npm\nfi\n';
  assert.equal(kindOf(script, ['f/usr/bin/node', 'f/usr/lib/node_modules/npm/index.js']), 'before');
  assert.equal(kindOf(script, ['f/usr/bin/node', 'f/usr/lib/node_modules/npm-other/index.js']), 'after');
  assert.equal(kindOf('rm -rf -- "/etc/x/"\n', ['f/etc/x/y']), 'before');
  assert.equal(kindOf('rm -f /etc/x/y\n', ['f/etc/x/y']), 'after');
});
