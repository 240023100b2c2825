import { after } from 'node:test';

import { podman } from '../../src/backends/podman/index.ts';
import type { EngineParams } from '../../src/toolkits/engine/params.ts';
import { testBackend } from '../contract/backend.ts';
import { backendContext, folder } from '../contract/backend-fixture.ts';
import { smallRoot } from './roots.ts';

const params: EngineParams = { image: 'repronim-test', network: 'default' };
after(async () => {
  const { digest } = await smallRoot();
  const image = { backend: 'podman', reference: `${params.image}:${digest}`, rootfs: digest };
  await podman.removeImage(image, params, backendContext(folder('image')));
});

testBackend({
  backend: podman,
  params,
  module: new URL('../../src/backends/podman/index.ts', import.meta.url),
  exported: 'podman',
  rootfs: smallRoot,
});
