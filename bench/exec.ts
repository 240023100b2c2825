/** How long it takes to make an instance and to run a program in it: us, next to bwrap and docker, in one run. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openStore } from '../src/archives/store.ts';
import { chroot } from '../src/backends/chroot/index.ts';
import type { BackendContext, Confinement } from '../src/contract/index.ts';
import { runProcess } from '../src/sessions/process.ts';
import { smallRoot } from '../test/e2e/roots.ts';

const runs = 31;
const rootfs = await smallRoot();
const top = mkdtempSync(join(tmpdir(), 'repronim-bench-'));
const confinement: Confinement = { level: 'confined', network: 'none', mounts: [] };
const rows: { what: string; ms: number; least: number; most: number }[] = [];

try {
  await measureOurs();
  await measureOthers();
} finally {
  rmSync(top, { recursive: true, force: true });
}

if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ runs, rows })}\n`);
else {
  process.stdout.write(`medians of ${runs}, one at a time; the program is true\n`);
  for (const { what, ms, least, most } of rows) {
    process.stdout.write(`${what.padEnd(52)} ${String(ms).padStart(7)} ms   (${least} to ${most})\n`);
  }
}

async function measureOurs(): Promise<void> {
  let made = 0;
  const launch = async () => {
    const context = contextIn(join(top, `i${(made += 1)}`));
    const image = await chroot.assemble(rootfs, {}, context);
    return await chroot.launch(image, rootfs, `bench-${made}`, confinement, {}, context);
  };
  await measure('chroot: launch', async () => void (await launch()));
  await measure('chroot: launch, run, remove', async () => {
    const instance = await launch();
    {
      await using session = await instance.session();
      await session.run(['/bin/true']);
    }
    await instance.remove();
  });
  const instance = await launch();
  const run = async () => {
    await using session = await instance.session();
    await session.exec(['/bin/true'], { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' });
  };
  await measure('chroot: exec in a stopped instance (started for it)', run);
  await instance.start();
  await measure('chroot: exec in a running instance', run);
  await using session = await instance.session();
  await measure('chroot: one more program in a session', async () => void (await session.run(['/bin/true'])));
  await instance.remove();
}

async function measureOthers(): Promise<void> {
  const bwrap = ['--ro-bind', rootfs.directory, '/', '--proc', '/proc', '--dev', '/dev', '--unshare-all', '/bin/true'];
  await measureCommand('bwrap: a program in the same tree (no overlay)', ['bwrap', ...bwrap]);
  const image = 'repronim-bench';
  if ((await runProcess(['docker', 'version'], { accept: 'any' })).status !== 0) return;
  await runProcess(['sh', '-c', 'tar -C "$0" -c . | docker import - "$1"', rootfs.directory, image]);
  const { stdout } = await runProcess(['docker', 'run', '-d', '--network', 'none', image, 'sleep', '600']);
  const id = stdout.toString().trim();
  try {
    await measureCommand('docker exec in a running container', ['docker', 'exec', id, '/bin/true']);
    await measureCommand('docker run --rm', ['docker', 'run', '--rm', '--network', 'none', image, '/bin/true']);
  } finally {
    await runProcess(['docker', 'rm', '-f', id]);
    await runProcess(['docker', 'rmi', image]);
  }
}

async function measureCommand(what: string, argv: readonly [string, ...string[]]): Promise<void> {
  if ((await runProcess(argv, { accept: 'any' })).status !== 0) return;
  await measure(what, async () => void (await runProcess(argv)));
}

async function measure(what: string, body: () => Promise<void>): Promise<void> {
  await body();
  const times: number[] = [];
  for (let count = 0; count < runs; count += 1) {
    const started = performance.now();
    await body();
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => Math.round((times[Math.floor((times.length - 1) * share)] ?? 0) * 10) / 10;
  rows.push({ what, ms: at(0.5), least: at(0), most: at(1) });
}

function contextIn(state: string): BackendContext {
  mkdirSync(state, { recursive: true });
  return {
    store: openStore(join(top, 'store')),
    onProgress() {},
    signal: new AbortController().signal,
    settings: () => ({}),
    state,
    async record() {},
  };
}
