// Makes and uses an instance with whatever this process is allowed to do, and prints what came of it: see
// chroot-limits.test.ts.
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { chroot } from '../../src/backends/chroot/index.ts';
import type { Session } from '../../src/contract/index.ts';
import { UserError } from '../../src/model/index.ts';
import { enterEnvironment, openParameters } from '../../src/sessions/enter.ts';
import { findMapping, mapArgv } from '../../src/sessions/mapped.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { backendContext, makeInstance } from '../contract/backend-fixture.ts';

const [level = 'confined', archive = '', top = ''] = process.argv.slice(2);
const directory = join(top, 'rootfs');
mkdirSync(directory, { recursive: true });
const mapping = findMapping();
// Without a range of ids, nothing can belong to anybody else.
const owners = mapping.kind === 'single' ? ['--no-same-owner'] : [];
const unpack = mapArgv(mapping, ['/usr/bin/tar', '-C', directory, '--numeric-owner', ...owners, '-xpf', archive]);
using parameters = openParameters(unpack.fields);
await runProcess(unpack.argv, { env: enterEnvironment, cwd: '/', descriptors: [parameters.descriptor] });

const seen: Record<string, unknown> = { probe: await chroot.probe({}, backendContext(join(top, 'probe'))) };
const confinement = { level: level as 'confined' | 'trusted', network: 'none', mounts: [] } as const;
try {
  await using made = await makeInstance(chroot, {}, { directory, digest: 'test' }, confinement);
  seen['facts'] = made.record.facts;
  await using session = await made.instance.session();
  const say = async (script: string) =>
    (await session.run(['sh', '-c', script], { accept: 'any' })).stdout.toString().trim();
  seen['root'] = await say('id -u; test -c /dev/null && echo x >/dev/null && echo null');
  seen['chown'] = await say('cd /tmp && touch f && chown 33:33 f && echo changed; stat -c %u f');
  seen['status'] = await session.exec(['sh', '-c', 'id -u; id -g; cd /tmp && touch g && stat -c %u g'], {
    user: { uid: 1234, gid: 1235 },
    stdin: 'ignore',
    stdout: openSync(join(top, 'said'), 'w'),
    stderr: 'inherit',
  });
  if (level === 'confined') seen['reached'] = await reached(session);
  await session.write('/tmp/written', 'by write\n');
  await session.untar(session.tar(['/tmp/written', '/etc/shadow']), '/tmp/again');
  seen['again'] = await say('cat /tmp/again/tmp/written; stat -c "%a %u %g" /etc/shadow /tmp/again/etc/shadow');
  seen['read'] = (await session.root.readFile('/tmp/written')).toString();
  const [shadow] = await session.root.lstat(['/etc/shadow']);
  seen['shadow'] = [shadow?.uid, shadow?.gid];
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  seen['error'] = { message: error.message, status: error.status, hint: error.hint };
}
process.stdout.write(JSON.stringify(seen));

/** Those of the attacks (see escape.test.ts) that were not kept. */
async function reached(session: Session): Promise<readonly string[]> {
  const attacks = readFileSync(new URL('attacks.pl', import.meta.url));
  const canary = join(top, 'canary');
  writeFileSync(canary, 'canary of the host\n');
  const all = [
    ['chroot', canary],
    ['paths', canary],
    ['first-exe', '1'],
    ['first-memory', '1'],
    ['kernel-settings'],
    ['kernel-memory'],
    ['mknod', 'c', '1', '3', '/tmp'],
    ['mount'],
    ['new-mount-calls'],
    ['pivot-root'],
    ['namespaces'],
    ['setns', '1'],
    ['ptrace', '1'],
    ['vsock'],
    ['type-ahead'],
    ['keyring'],
    ['refused-calls'],
    ['unknown-call'],
    ['capabilities', '00000000a80425fb'],
    ['descriptors'],
  ];
  const said: string[] = [];
  for (const words of all) {
    const { stdout, stderr } = await session.run(['perl', '-', ...words], { input: attacks, accept: 'any' });
    const text = stdout.toString() + stderr.toString();
    if (!text.startsWith('kept')) said.push(`${words[0]}: ${text}`);
  }
  return said;
}
