import { apptainer } from '../../src/backends/apptainer/index.ts';
import { testBackend } from '../contract/backend.ts';
import { smallRoot } from './roots.ts';

testBackend({
  backend: apptainer,
  params: { format: 'sandbox' },
  module: new URL('../../src/backends/apptainer/index.ts', import.meta.url),
  exported: 'apptainer',
  rootfs: async () => await smallRoot(),
});
