/**
 * An instance from a rootfs that is built, next to `docker import` of the same tree: median of rounds that take turns,
 * on one daemon, nothing kept between them.
 *
 * node bench/docker.ts [--json] [--root DIR] [--rounds N]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { connectEngine } from '../src/toolkits/engine/client.ts';
import { docker, dockerEngine } from '../src/backends/docker/index.ts';
import { sha256 } from '../src/model/index.ts';
import { localRoot } from '../src/roots/local.ts';
import { runProcess } from '../src/sessions/process.ts';
import { backendContext, confined } from '../test/contract/backend-fixture.ts';
import { startDockerd } from '../test/e2e/dockerd.ts';
import { smallRoot } from '../test/e2e/roots.ts';

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, root: { type: 'string' }, rounds: { type: 'string' } },
});
const rounds = Number(values.rounds ?? 5);
const ends: (() => Promise<void>)[] = [];
const state = mkdtempSync(join(tmpdir(), 'repronim-bench-docker-'));
try {
  const directory = values.root ?? (await smallRoot()).directory;
  const host = await startDockerd({ after: (end) => ends.push(end) });
  const engine = await connectEngine(dockerEngine, host);
  const times: Record<'import' | 'instance' | 'again', number[]> = { import: [], instance: [], again: [] };
  for (let round = 0; round <= rounds; round += 1) {
    // the first round only warms the caches of both
    const keep = (what: keyof typeof times, ms: number) => (round === 0 ? 0 : times[what].push(ms));
    const imported = await timed(async () => await importTree(host, directory));
    keep('import', imported.ms);
    await engine.call('DELETE', `/images/${imported.value}`);
    await instanceOf(host, directory, keep);
  }
  let files = 0;
  let bytes = 0;
  for await (const { size } of localRoot(directory).scan({ digests: [] })) {
    files += 1;
    bytes += size ?? 0;
  }
  const [ours, theirs] = [median(times.instance), median(times.import)];
  const result = {
    files,
    bytes,
    rounds,
    docker_import_ms: Math.round(theirs),
    instance_ms: Math.round(ours),
    second_instance_ms: Math.round(median(times.again)),
    ratio: Math.round((ours / theirs) * 100) / 100,
  };
  process.stdout.write(
    values.json
      ? `${JSON.stringify(result)}\n`
      : `${files} files, ${Math.round(bytes / 1e6)} MB, medians of ${rounds} rounds\n` +
          `docker import            ${result.docker_import_ms} ms\n` +
          `image, container, start  ${result.instance_ms} ms   ${result.ratio}x (goal: at most 1.3)\n` +
          `a second instance        ${result.second_instance_ms} ms\n`,
  );
} finally {
  for (const end of ends) await end();
  rmSync(state, { recursive: true, force: true });
}

async function importTree(host: string, directory: string): Promise<string> {
  const script = 'tar -C "$1" --numeric-owner -cf - . | docker -H "$2" import -';
  const done = await runProcess(['sh', '-c', script, 'sh', directory, host], {
    env: { PATH: process.env['PATH'] ?? '' },
  });
  return done.stdout.toString('utf8').trim();
}

async function instanceOf(
  host: string,
  directory: string,
  keep: (what: 'instance' | 'again', ms: number) => void,
): Promise<void> {
  const params = { host, image: 'repronim-bench', network: 'bridge' };
  const rootfs = { directory, digest: sha256('bench') };
  const context = backendContext(join(state, 'instance'));
  const first = await timed(async () => {
    const image = await docker.assemble(rootfs, params, context);
    return { image, instance: await docker.launch(image, rootfs, 'bench', confined, params, context) };
  });
  keep('instance', first.ms);
  const { image, instance } = first.value;
  const second = await timed(async () => await docker.launch(image, rootfs, 'bench-two', confined, params, context));
  keep('again', second.ms);
  await second.value.remove();
  await instance.remove();
  await docker.removeImage(image, params, context);
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly ms: number; readonly value: T }> {
  const started = performance.now();
  const value = await work();
  return { ms: performance.now() - started, value };
}

function median(found: readonly number[]): number {
  return found.toSorted((a, b) => a - b)[Math.floor(found.length / 2)] ?? 0;
}
