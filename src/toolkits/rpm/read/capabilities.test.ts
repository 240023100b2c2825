import assert from 'node:assert/strict';
import { test } from 'node:test';

import { decodeCapabilities, parseCapabilities, sameCapabilities } from './capabilities.ts';

// texts as rpm's headers have them, and the attribute that setcap(8) writes for each
const pairs: readonly (readonly [string, string])[] = [
  ['cap_net_raw=ep', '0100000200200000000000000000000000000000'],
  ['= cap_net_raw+ep', '0100000200200000000000000000000000000000'],
  ['cap_net_admin,cap_net_raw=p', '0000000200300000000000000000000000000000'],
  ['cap_setgid=ep cap_setuid+ep', '01000002c0000000000000000000000000000000'],
  ['cap_sys_nice=eip', '0100000200008000000080000000000000000000'],
  ['cap_perfmon,cap_bpf=ep', '010000020000000000000000c000000000000000'],
  ['cap_net_raw=ep cap_net_raw-e', '0000000200200000000000000000000000000000'],
];

test('texts of headers are what the attribute of the file says', () => {
  for (const [text, hex] of pairs) {
    assert.ok(sameCapabilities(parseCapabilities(text), decodeCapabilities(hex)), text);
    assert.ok(!sameCapabilities(parseCapabilities(text), undefined), text);
  }
  // set in a user namespace: the attribute has its root as well
  assert.deepEqual(
    decodeCapabilities('0100000300200000000000000000000000000000a0860100'),
    decodeCapabilities('0100000200200000000000000000000000000000'),
  );
  assert.ok(sameCapabilities(parseCapabilities('='), undefined));
});

test('what is none is none', () => {
  for (const text of ['', 'cap_nothing=ep', 'cap_net_raw', 'cap_net_raw=x', '=ep;']) {
    assert.equal(parseCapabilities(text), undefined, text);
  }
  for (const hex of ['', '01000002', '01000009'.padEnd(40, '0'), 'zz'])
    assert.equal(decodeCapabilities(hex), undefined);
});
