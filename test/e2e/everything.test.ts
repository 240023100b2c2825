/** One command on every layer at once: one spec, and the same again on both kinds of backend. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { byBytes } from '../../src/model/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { withDockerd } from './dockerd.ts';
import { makeWorld, type World } from './everything-world.ts';
import { need, scratch } from './need.ts';

const skip = process.getuid?.() === 0 ? false : 'only root can install what it needs and write below /srv';
const main = resolve(import.meta.dirname, '../../src/cli/main.ts');

describe('everything at once', { skip, concurrency: 1 }, () => {
  const folder = scratch('everything');
  const file = join(folder, 'study.yaml');
  const ends: (() => Promise<void>)[] = [];
  let world: World | undefined;
  let docker: string;

  const repronim = async (...words: string[]) => {
    const env = { ...world?.env, HOME: join(folder, 'home'), REPRONIM_HOME: join(folder, 'home'), DOCKER_HOST: docker };
    const argv = [process.execPath, '--no-warnings', main, ...words] as const;
    const said = await runProcess(argv, { env, cwd: world?.study ?? '/', accept: 'any' });
    return { status: said.status, text: said.stdout.toString() + said.stderr.toString() };
  };

  before(async () => {
    await need('strace');
    const place = mkdtempSync('/srv/repronim-all-');
    ends.push(async () => rmSync(place, { recursive: true, force: true }));
    docker = await withDockerd({ after: (end) => ends.unshift(end) });
    const made = (world = await makeWorld(place, folder));
    ends.unshift(async () => await made[Symbol.asyncDispose]());
  });
  after(async () => {
    if (world !== undefined) await repronim('delete', '--yes', 'all-chroot', 'all-docker');
    for (const end of ends) await end();
  });

  test('is reproduced on chroot, from one spec that a person can read', async () => {
    const { status, text } = await repronim('reproduce', '--name', 'all-chroot', '-o', file, '--', './run');
    assert.equal(status, 0, text);
    assert.match(text, /reproduced: same environment, same results/);
    assert.match(
      readFileSync(join(world?.study ?? '', 'table.txt'), 'utf8'),
      /^awk 42\npython 3\.1.*\ngreetings.*\nnode a\\\.b\nmodule 42\n$/,
    );
    const spec = readFileSync(file, 'utf8');
    const [above = ''] = spec.split(/^lock:$/m);
    assert.ok(above.split('\n').length < 80, `${above.split('\n').length} lines above the lock`);
    const types = [...above.matchAll(/^- type: (\w+)$/gm)].map(([, type = '']) => type).toSorted(byBytes);
    assert.deepEqual(types, ['conda', 'datalad', 'debian', 'git', 'git', 'modules', 'npm', 'prefix', 'venv']);
  });

  test('and on docker, with the same fingerprint', async () => {
    const { status, text } = await repronim('reproduce', '--name', 'all-docker', '--backend', 'docker', file);
    assert.equal(status, 0, text);
    assert.match(text, /reproduced: same environment, same results/);
    const [one, other] = [await repronim('fingerprint', 'all-chroot'), await repronim('fingerprint', 'all-docker')];
    assert.match(one.text, /^sha256:/);
    assert.equal(one.text, other.text);
  });
});
