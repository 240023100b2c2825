/**
 * A built spec on a second backend, next to that engine's own import of the same tree: what `create` does once the
 * rootfs is there (image, instance, start), and what brings the tree to the engine otherwise. Medians of rounds that
 * take turns, on one machine, nothing kept between them.
 *
 * node bench/second-backend.ts [--json] [--root DIR] [--rounds N] [BACKEND …]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { safeParse } from 'valibot';

import { backends } from '../src/backends/index.ts';
import type { Rootfs } from '../src/contract/index.ts';
import { sha256, type Argv } from '../src/model/index.ts';
import { localRoot } from '../src/roots/local.ts';
import { removeMapped } from '../src/sessions/mapped.ts';
import { runProcess } from '../src/sessions/process.ts';
import { backendContext, confined } from '../test/contract/backend-fixture.ts';
import { apptainerHere } from '../test/e2e/apptainer-here.ts';
import { startDockerd } from '../test/e2e/dockerd.ts';
import { need } from '../test/e2e/need.ts';
import { needPodman } from '../test/e2e/podman.ts';
import { smallRoot } from '../test/e2e/roots.ts';

interface Peer {
  readonly backend: string;
  readonly set: Readonly<Record<string, string>>;
  /** What the engine's own way is called. */
  readonly own: string;
  /** Brings the tree to the engine, by its own means. */
  import(tree: string, work: string): Promise<unknown>;
  /** Takes that away again; not timed. */
  forget(work: string): Promise<unknown>;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    root: { type: 'string' },
    rounds: { type: 'string', default: '5' },
  },
});
const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: '/root' };
const shell = async (script: string, ...words: readonly string[]) => await run('sh', '-c', script, 'sh', ...words);
const ends: (() => Promise<void>)[] = [];

const peers: Readonly<Record<string, () => Promise<readonly Peer[]>>> = {
  // laid over by the kernel: what has to be beaten is a second
  chroot: async () => [
    {
      backend: 'chroot',
      set: {},
      own: 'cp -a',
      import: async (tree, work) => await run('cp', '-a', tree, join(work, 'tree')),
      forget: async (work) => await removeMapped(join(work, 'tree')),
    },
  ],
  async docker() {
    const host = await startDockerd({ after: (end) => ends.push(end) });
    return [
      {
        backend: 'docker',
        set: { host },
        own: 'docker import',
        import: async (tree) =>
          await shell('tar -C "$1" --numeric-owner -cf - . | docker -H "$2" import - bench-own', tree, host),
        forget: async () => await run('docker', '-H', host, 'rmi', 'bench-own'),
      },
    ];
  },
  async podman() {
    await needPodman();
    return [
      {
        backend: 'podman',
        set: {},
        own: 'podman import',
        import: async (tree) => await shell('tar -C "$1" --numeric-owner -cf - . | podman import -q - bench-own', tree),
        forget: async () => await run('podman', 'rmi', 'bench-own'),
      },
    ];
  },
  async apptainer() {
    const program = await apptainerHere();
    const build = async (tree: string, work: string, ...how: readonly string[]) =>
      await run(program, '--silent', 'build', '--force', ...how, join(work, 'own'), tree);
    const forget = async (work: string) => await removeMapped(join(work, 'own'));
    return [
      {
        backend: 'apptainer',
        set: { program, format: 'sandbox' },
        own: 'apptainer build --sandbox',
        import: async (tree, work) => await build(tree, work, '--sandbox'),
        forget,
      },
      {
        backend: 'apptainer',
        set: { program, format: 'sif' },
        own: 'apptainer build, with the same compressor',
        import: async (tree, work) => await build(tree, work, '--mksquashfs-args', '-comp zstd -Xcompression-level 3'),
        forget,
      },
    ];
  },
  async schroot() {
    await need('schroot');
    return [
      {
        backend: 'schroot',
        set: { type: 'directory' },
        own: 'cp -a',
        import: async (tree, work) => await run('cp', '-a', tree, join(work, 'own')),
        forget: async (work) => await removeMapped(join(work, 'own')),
      },
      {
        // schroot unpacks the tar itself, at the beginning of each session
        backend: 'schroot',
        set: { type: 'file' },
        own: 'tar, and tar -x',
        import: async (tree, work) =>
          await shell(
            'mkdir "$2" && tar -C "$1" --numeric-owner -cf "$2.tar" . && tar -C "$2" --numeric-owner -xpf "$2.tar"',
            tree,
            join(work, 'own'),
          ),
        forget: async (work) => {
          rmSync(join(work, 'own.tar'));
          await removeMapped(join(work, 'own'));
        },
      },
    ];
  },
};

const work = mkdtempSync(join(tmpdir(), 'repronim-bench-'));
try {
  const { directory = '' } = values.root === undefined ? await smallRoot() : { directory: values.root };
  const rows = [];
  for (const name of positionals.length > 0 ? positionals : Object.keys(peers)) {
    for (const peer of (await peers[name]?.()) ?? []) rows.push(await compare(peer, directory));
  }
  const result = { ...(await sizeOf(directory)), rounds: Number(values.rounds), rows };
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    process.stdout.write(`${result.files} files, ${Math.round(result.bytes / 1e6)} MB, medians of ${values.rounds}\n`);
    for (const { what, ms, own, ownMs, ratio } of rows) {
      process.stdout.write(`${what.padEnd(24)} ${String(ms).padStart(6)} ms   ${own}: ${ownMs} ms   ${ratio}x\n`);
    }
  }
} finally {
  for (const end of ends) await end();
  rmSync(work, { recursive: true, force: true });
}

async function compare(peer: Peer, directory: string) {
  const times: Record<'ours' | 'own', number[]> = { ours: [], own: [] };
  const rootfs = { directory, digest: sha256('bench') };
  for (let round = 0; round <= Number(values.rounds); round += 1) {
    const own = await timed(async () => await peer.import(directory, work));
    await peer.forget(work);
    const ours = await instanceOf(peer, rootfs);
    if (round === 0) continue; // it warms the caches of both
    times.own.push(own);
    times.ours.push(ours);
  }
  const [ms, ownMs] = [median(times.ours), median(times.own)];
  const { format, type } = peer.set;
  const what = [peer.backend, format ?? type].filter((word) => word !== undefined).join(' ');
  return { what, backend: peer.backend, ms, own: peer.own, ownMs, ratio: Math.round((ms / ownMs) * 100) / 100 };
}

/** How long it takes until an instance is there that has been started once. */
async function instanceOf({ backend: name, set }: Peer, rootfs: Rootfs): Promise<number> {
  const backend = backends.find((one) => one.name === name);
  const params =
    backend && safeParse(backend.params, { ...set, ...(needsImage(name) ? { image: 'repronim-bench' } : {}) });
  if (params?.success !== true) throw new Error(`${name} takes no ${Object.keys(set).join(', ')}`);
  const [image, instance] = [backendContext(join(work, 'image')), backendContext(join(work, 'instance'))];
  let made: Awaited<ReturnType<NonNullable<typeof backend>['launch']>> | undefined;
  let record: Awaited<ReturnType<NonNullable<typeof backend>['assemble']>> | undefined;
  const ms = await timed(async () => {
    record = await backend?.assemble(rootfs, params.output, image);
    if (record === undefined) return;
    made = await backend?.launch(record, rootfs, 'bench', confined, params.output, instance);
    await made?.start();
  });
  await made?.remove();
  if (record !== undefined) await backend?.removeImage(record, params.output, image);
  return ms;
}

function needsImage(backend: string): boolean {
  return backend === 'docker' || backend === 'podman';
}

async function sizeOf(directory: string): Promise<{ readonly files: number; readonly bytes: number }> {
  let [files, bytes] = [0, 0];
  for await (const { size } of localRoot(directory).scan({ digests: [] })) {
    files += 1;
    bytes += size ?? 0;
  }
  return { files, bytes };
}

async function run(...argv: Argv) {
  return await runProcess(argv, { env });
}

async function timed(body: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await body();
  return performance.now() - started;
}

function median(found: readonly number[]): number {
  return Math.round(found.toSorted((a, b) => a - b)[Math.floor(found.length / 2)] ?? 0);
}
