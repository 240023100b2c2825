// Runs a program with a terminal of its own: see chroot.test.ts.
import { chroot } from '../../src/backends/chroot/index.ts';
import { makeInstance } from '../contract/backend-fixture.ts';
import { slimRoot } from './roots.ts';

await using made = await makeInstance(chroot, {}, await slimRoot());
await using session = await made.instance.session();
const script = 'tty; stty size; trap "echo asked; exit 4" INT; echo ready; while :; do sleep 0.05; done';
process.on('SIGINT', () => {}); // a raw terminal sends none
const status = await session.exec(['sh', '-c', script], {
  stdin: 'inherit',
  stdout: 'inherit',
  stderr: 'inherit',
  tty: true,
});
process.stdout.write(`status ${status}\n`);
