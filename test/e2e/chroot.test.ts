import { chroot } from '../../src/backends/chroot/index.ts';
import { testBackend } from '../contract/backend.ts';
import { smallRoot } from './roots.ts';

testBackend({
  backend: chroot,
  params: {},
  module: new URL('../../src/backends/chroot/index.ts', import.meta.url),
  exported: 'chroot',
  rootfs: smallRoot,
});
