// Runs a program of a container with a terminal of its own, whose size changes: see docker.test.ts.
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

import { docker } from '../../src/backends/docker/index.ts';
import type { EngineParams } from '../../src/toolkits/engine/params.ts';
import { backendContext, confined } from '../contract/backend-fixture.ts';

const { params, directory, digest, state } = JSON.parse(process.argv[2] ?? '') as {
  params: EngineParams;
  directory: string;
  digest: string;
  state: string;
};
const context = backendContext(state);
const image = await docker.assemble({ directory, digest }, params, context);
const instance = await docker.launch(image, { directory, digest }, 'test-terminal', confined, params, context);
try {
  await using session = await instance.session();
  const script = `
    ls /dev/pts/0; stty size; trap "echo asked; exit 4" INT
    while [ "$(stty size)" = "33 111" ]; do sleep 0.05; done
    stty size; echo ready; while :; do sleep 0.05; done`;
  const running = session.exec(['sh', '-c', script], {
    stdin: 'inherit',
    stdout: 'inherit',
    stderr: 'inherit',
    tty: true,
  });
  await sleep(1000);
  execFileSync('stty', ['rows', '40', 'cols', '80'], { stdio: 'inherit' });
  process.stdout.write(`status ${await running}\n`);
} finally {
  await instance.remove();
}
