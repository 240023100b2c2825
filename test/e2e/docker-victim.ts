import { appendFileSync } from 'node:fs';

import { docker } from '../../src/backends/docker/index.ts';
import type { EngineParams } from '../../src/toolkits/engine/params.ts';
import type { BackendContext } from '../../src/contract/index.ts';

/** Makes an image and an instance, and is killed while it does; what it would have put on record is in `log`. */
const { params, directory, digest, state, log } = JSON.parse(process.argv[2] ?? '') as {
  params: EngineParams;
  directory: string;
  digest: string;
  state: string;
  log: string;
};
const context: BackendContext = {
  store: undefined as never,
  onProgress: () => {},
  signal: new AbortController().signal,
  settings: () => ({}),
  state,
  record: async (facts) => appendFileSync(log, `${JSON.stringify(facts)}\n`),
};
const confinement = { level: 'confined', network: 'none', mounts: [] } as const;
const image = await docker.assemble({ directory, digest }, params, context);
await docker.launch(image, { directory, digest }, 'test-victim', confinement, params, context);
