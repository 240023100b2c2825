// Runs a program with a terminal of its own, in an instance on a host: see ssh.test.ts.
import { ssh } from '../../src/backends/ssh/index.ts';
import { makeInstance } from '../contract/backend-fixture.ts';
import { smallRoot } from './roots.ts';

const [host = '', folder = '', config = ''] = process.argv.slice(2);
await using made = await makeInstance(ssh, { host, folder, config }, await smallRoot());
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
