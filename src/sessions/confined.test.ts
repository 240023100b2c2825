import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { enclose, probeConfinement } from './confined.ts';
import type { Enclosure } from './held.ts';

const probe = await probeConfinement();
const skip = probe.confined.usable ? false : `nothing can be confined here: ${probe.confined.because}`;
const tops: string[] = [];
after(() => {
  for (const top of tops) rmSync(top, { recursive: true, force: true });
});

/** An empty tree, with this machine's programs let in. */
function empty(): Enclosure {
  const root = mkdtempSync(join(tmpdir(), 'repronim-confined-'));
  tops.push(root);
  const folders = ['/usr', '/bin', '/lib', '/lib64'].filter((folder) => existsSync(folder));
  const mounts = folders.map((path) => ({ source: realpathSync(path), path, readonly: true }));
  return { root, level: 'confined', network: 'none', mounts, hostname: 'box' };
}

test('a program sees its own tree, processes, name and network', { skip }, async () => {
  const enclosure = empty();
  await using session = await enclose(enclosure);
  const script =
    'echo $$ >/pid; ls /; uname -n; ls /sys/class/net; grep NoNewPrivs /proc/self/status; echo /proc/[0-9]*';
  const { stdout } = await session.run(['sh', '-c', script]);
  assert.match(
    stdout.toString(),
    /^bin\ndev\n(lib\n(lib64\n)?)?pid\nproc\nsys\nusr\nbox\nlo\nNoNewPrivs:\t1\n(\/proc\/\d+ ?){2,3}\n$/,
  );
  assert.notEqual(readFileSync(join(enclosure.root, 'pid'), 'utf8'), '');
});

test('everything inside ends with the session', { skip }, async () => {
  const session = await enclose(empty());
  const marker = `repronim-${process.pid}-marker`;
  await session.run(['sh', '-c', `setsid sh -c 'sleep 100; : ${marker}' >/dev/null 2>&1 & sleep 0.05`]);
  assert.equal(await countProcesses(marker, 1), 1);
  await session[Symbol.asyncDispose]();
  await session[Symbol.asyncDispose]();
  assert.equal(await countProcesses(marker, 0), 0);
  await assert.rejects(session.run(['true']), { name: 'UserError', message: /has ended/ });
});

test('everything inside ends when we are killed', { skip }, async () => {
  const marker = `repronim-${process.pid}-killed`;
  const program = `
    import { enclose } from ${JSON.stringify(new URL('confined.ts', import.meta.url).href)};
    const session = await enclose(${JSON.stringify(empty())});
    const run = session.exec(['sh', '-c', 'setsid sleep 100 & echo up; sleep 100; : ${marker}'], { stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' });
    await run;`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  assert.equal(await countProcesses(`: ${marker}`, 2), 2); // the shell, and the program that has its words
  child.kill('SIGKILL');
  assert.equal(await countProcesses(`: ${marker}`, 0), 0);
});

test('what can not be mounted is said', { skip }, async () => {
  const mounts = [{ source: '/no/such', path: '/x', readonly: true }];
  await assert.rejects(enclose({ ...empty(), mounts }), {
    name: 'UserError',
    message: /no \/no\/such to mount/,
    status: 2,
  });
  await assert.rejects(enclose({ ...empty(), root: '/no/such' }), { name: 'UserError', status: 4 });
});

test('an error in the middle of an archive is said', { skip }, async () => {
  await using session = await enclose(empty());
  const broken = (bytes: Buffer) =>
    session.untar(
      (async function* () {
        yield bytes;
      })(),
      '/into',
    );
  await assert.rejects(broken(Buffer.alloc(1024, 'x')), /checksum/);
  await assert.rejects(broken(Buffer.alloc(300)), /ends in the middle/);
});

/** How many processes have a text in their command line, once they are so many or a second has passed. */
async function countProcesses(text: string, expected: number): Promise<number> {
  const { readdirSync } = await import('node:fs');
  for (let tries = 0; ; tries += 1) {
    const count = readdirSync('/proc').filter((pid) => {
      try {
        return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
      } catch {
        return false;
      }
    }).length;
    if (count === expected || tries === 50) return count;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
