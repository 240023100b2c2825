/** A command that runs in an image of a real daemon: recorded by what the image is, not by its tag. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

import { parse } from 'yaml';

import type { ImageLock, ImageSpec } from '../../src/distributions/image/spec.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { withDockerd } from './dockerd.ts';
import { dockerAt } from './machine.ts';
import { need, scratch } from './need.ts';

const main = resolve(import.meta.dirname, '../../src/cli/main.ts');
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

test('docker run and docker exec are recorded by the image’s digest and labels', async (t) => {
  const directory = scratch('image');
  const work = mkdtempSync('/srv/repronim-image-');
  t.after(() => rmSync(work, { recursive: true, force: true }));
  const address = await withDockerd(t);
  await need('busybox-static');
  const { docker } = await dockerAt(address);
  mkdirSync(join(directory, 'root/bin'), { recursive: true });
  copyFileSync('/bin/busybox', join(directory, 'root/bin/busybox'));
  const tar = join(directory, 'root.tar');
  await runProcess(['tar', '--create', '--file', tar, '--directory', join(directory, 'root'), '.']);
  const tag = `repronim-image-test:${process.pid}`;
  const made: string[] = [];
  try {
    await docker(
      'import',
      '--change',
      'LABEL org.opencontainers.image.version=1.2 secret.token=abcdef012345',
      tar,
      tag,
    );
    const id = (await docker('image', 'inspect', '--format', '{{.Id}}', tag)).trim();
    const sleep = ['/bin/busybox', 'sleep', '600'];
    const box = (await docker('run', '--detach', '--network', 'none', tag, ...sleep)).trim();
    made.push(box);
    const file = join(directory, 'traced.yaml');
    const script = `docker -H ${address} run --rm -i --network none ${tag} /bin/busybox echo in && docker exec ${box} /bin/busybox true`;
    const argv = ['trace', '--force', '-o', file, '--', 'sh', '-c', script];
    const said = await runProcess([process.execPath, '--no-warnings', main, ...argv], {
      env: { PATH: path, LC_ALL: 'C.UTF-8', HOME: directory, REPRONIM_HOME: directory, DOCKER_HOST: address },
      cwd: work,
      accept: 'any',
    });
    assert.equal(said.status, 0, said.stderr.toString());
    assert.equal(said.stdout.toString(), 'in\n');
    const value = parse(readFileSync(file, 'utf8')) as {
      distributions: ImageSpec[];
      lock: { distributions: Record<string, ImageLock> };
    };
    const specs = value.distributions.filter(({ type }) => type === 'image');
    assert.deepEqual(
      specs.map(({ engine, reference, digest, version }) => [engine, reference, digest, version]),
      [
        ['docker', tag, id, '1.2'],
        ['docker', tag, id, '1.2'],
      ],
    );
    const lock = value.lock.distributions[specs[0]?.id ?? 'image'];
    assert.equal(lock?.image, id);
    assert.deepEqual(lock.labels, { 'org.opencontainers.image.version': '1.2' });
    assert.match(said.stderr.toString(), /a replay starts no engine in an environment/);
    const shown = await runProcess([process.execPath, '--no-warnings', main, 'show', file], {
      env: { PATH: path, HOME: directory, REPRONIM_HOME: directory },
    });
    assert.match(shown.stdout.toString(), /the environment does not have the image repronim-image-test:\d+ \(sha256:/);
  } finally {
    if (made.length > 0) await docker('rm', '--force', ...made);
    await docker('image', 'rm', '--force', tag);
  }
});
