// Uses podman by a service of its own, and is killed: see podman.test.ts.
import { podman } from '../../src/backends/podman/index.ts';
import { backendContext } from '../contract/backend-fixture.ts';

const [state = ''] = process.argv.slice(2);
const answer = await podman.probe({ image: 'repronim-test', network: 'default' }, backendContext(state));
process.stdout.write(answer.usable ? `answers ${answer.detail}\n` : `${answer.because}\n`);
setInterval(() => {}, 1000);
