import { schroot } from '../../src/backends/schroot/index.ts';
import { testBackend } from '../contract/backend.ts';
import { need } from './need.ts';
import { smallRoot } from './roots.ts';

for (const type of ['directory', 'file'] as const) {
  testBackend({
    backend: schroot,
    params: { type, enter: 'namespaces' },
    module: new URL('../../src/backends/schroot/index.ts', import.meta.url),
    exported: 'schroot',
    async rootfs() {
      await need('schroot');
      return await smallRoot();
    },
  });
}
