// A process that makes an instance and is then killed: see testBackend.
import { join } from 'node:path';

import type { AnyBackend, Confinement, Rootfs } from '../../src/contract/index.ts';
import { backendContext } from './backend-fixture.ts';

const [module = '', exported = '', moment, top = '', name = '', marker = ''] = process.argv.slice(2);
let input = '';
for await (const chunk of process.stdin.setEncoding('utf8')) input += String(chunk);
const { rootfs, params, confinement } = JSON.parse(input) as {
  rootfs: Rootfs;
  params: unknown;
  confinement: Confinement;
};
const backend = ((await import(module)) as Record<string, AnyBackend>)[exported] as AnyBackend;
const image = await backend.assemble(rootfs, params, backendContext(join(top, 'image')));
const instance = await backend.launch(image, rootfs, name, confinement, params, backendContext(join(top, 'instance')));
if (moment === 'started') await instance.start();
if (moment !== 'launched') {
  const session = await instance.session();
  void session.exec(['sh', '-c', 'echo up; sleep 1000; :', marker], {
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
  });
} else process.stdout.write('up\n');
setInterval(() => {}, 1000);
