import { after } from 'node:test';

import { ssh } from '../../src/backends/ssh/index.ts';
import { testBackend } from '../contract/backend.ts';
import { smallRoot } from './roots.ts';
import { withSshd } from './sshd.ts';

const server = await withSshd();
after(async () => await server[Symbol.asyncDispose]());
const params = { host: 'there', folder: `${server.folder}/state`, config: server.config };

testBackend({
  backend: ssh,
  params,
  module: new URL('../../src/backends/ssh/index.ts', import.meta.url),
  exported: 'ssh',
  rootfs: smallRoot,
});
