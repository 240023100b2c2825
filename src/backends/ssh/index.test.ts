import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parse } from 'valibot';

import { ssh } from './index.ts';

test('hosts, and folders of one host, have images of their own', () => {
  const key = (given: Record<string, string>) => ssh.imageKey?.(parse(ssh.params, given));
  assert.equal(typeof key({ host: 'one' }), 'string');
  assert.equal(key({ host: 'one' }), key({ host: 'one', folder: '.local/share/repronim/remote' }));
  const others = [
    { host: 'one' },
    { host: 'two' },
    { host: 'one', folder: '/srv/a' },
    { host: 'one', config: '/etc/c' },
  ];
  assert.equal(new Set(others.map(key)).size, others.length);
});
