// Makes and uses an instance as an ordinary user, and prints what came of it: see podman.test.ts.
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { podman } from '../../src/backends/podman/index.ts';
import { fingerprintOf } from '../../src/flows/fingerprint.ts';
import { UserError } from '../../src/model/index.ts';
import { enterEnvironment, openParameters } from '../../src/sessions/enter.ts';
import { findMapping, mapArgv } from '../../src/sessions/mapped.ts';
import { runProcess } from '../../src/sessions/process.ts';
import type { EngineParams } from '../../src/toolkits/engine/params.ts';
import { backendContext, makeInstance } from '../contract/backend-fixture.ts';

const [archive = '', top = ''] = process.argv.slice(2);
const directory = join(top, 'rootfs');
mkdirSync(directory, { recursive: true });
const unpack = mapArgv(findMapping(), ['/usr/bin/tar', '-C', directory, '--numeric-owner', '-xpf', archive]);
{
  using parameters = openParameters(unpack.fields);
  await runProcess(unpack.argv, { env: enterEnvironment, cwd: '/', descriptors: [parameters.descriptor] });
}

const params: EngineParams = { image: 'repronim-test', network: 'default' };
const context = backendContext(join(top, 'probe'));
const seen: Record<string, unknown> = { probe: await podman.probe(params, context) };
try {
  const rootfs = { directory, digest: 'test' };
  {
    await using made = await makeInstance(podman, params, rootfs);
    seen['facts'] = made.record.facts;
    await using session = await made.instance.session();
    seen['fingerprint'] = (await fingerprintOf(session.root)).digest;
    const say = async (script: string) =>
      (await session.run(['sh', '-c', script], { accept: 'any' })).stdout.toString().trim();
    seen['root'] = await say('id -u; cd /tmp && touch f && chown 33:34 f && stat -c %u:%g f');
    const said = join(top, 'said');
    seen['status'] = await session.exec(['sh', '-c', 'id -u; id -g; cd /tmp && touch g && stat -c %u g; exit 3'], {
      user: { uid: 1234, gid: 1235 },
      stdin: 'ignore',
      stdout: openSync(said, 'w'),
      stderr: 'inherit',
    });
    seen['said'] = readFileSync(said, 'utf8');
    await session.untar(session.tar(['/etc/shadow', '/tmp/f']), '/tmp/again');
    seen['again'] = await say('stat -c "%a %u %g" /tmp/again/etc/shadow /tmp/again/tmp/f');
  }
  await podman.removeImage({ backend: 'podman', reference: 'repronim-test:test', rootfs: 'test' }, params, context);
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  seen['error'] = { message: error.message, status: error.status, hint: error.hint, details: error.details };
}
process.stdout.write(JSON.stringify(seen));
