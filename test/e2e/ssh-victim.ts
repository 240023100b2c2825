// Runs a program on a host until it is told to stop: see ssh.test.ts.
import { ssh } from '../../src/backends/ssh/index.ts';
import { backendContext, folder } from '../contract/backend-fixture.ts';

const [host = '', stateFolder = '', config = '', marker = ''] = process.argv.slice(2);
const params = { folder: stateFolder, config };
const there = await ssh.place?.enter?.(host, params, backendContext(folder('victim')));
await there?.session.exec(['sh', '-c', 'echo up; sleep 1000; :', marker], {
  stdin: 'ignore',
  stdout: 'inherit',
  stderr: 'inherit',
});
