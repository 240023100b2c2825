import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { sha256 } from '../../src/model/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { commandIn, type Said } from './command.ts';
import { need } from './need.ts';

const forms = ['tar', 'docker.tar', 'oci.tar', 'squashfs', 'sif'] as const;

function done({ status, stdout, stderr }: Said): string {
  assert.equal(status, 0, stderr);
  return stdout;
}

test('images: two builds of one lock are one file, in each form, and come back the same', async (t) => {
  await need('squashfs-tools-ng');
  const top = mkdtempSync(join(tmpdir(), 'repronim-images-'));
  t.after(() => rmSync(top, { recursive: true, force: true }));
  const spec = join(top, 'true.yaml');
  const bundle = join(top, 'true.repronim');
  const [one, other, third] = ['one', 'other', 'third'].map((name) => commandIn(join(top, name)));
  assert.ok(one !== undefined && other !== undefined && third !== undefined);
  done(await one('trace', '-q', '-o', spec, '--bundle', '--', 'true'));
  done(await one('image', 'build', spec, '-t', 'base:1', '-t', 'again'));
  done(await other('image', 'build', bundle, '-t', 'base:1'));

  for (const form of forms) {
    const files = [join(top, `a.${form}`), join(top, `b.${form}`)] as const;
    done(await one('image', 'export', 'base:1', '-o', files[0]));
    done(await other('image', 'export', 'base:1', '-o', files[1]));
    assert.equal(sha256(readFileSync(files[0])), sha256(readFileSync(files[1])), form);
    done(await third('image', 'import', files[0], '-t', `from-${form}`));
  }
  done(await one('image', 'export', 'again', '-o', join(top, 'layout.oci')));
  done(await third('image', 'import', join(top, 'layout.oci'), '-t', 'from-oci'));

  interface Listed {
    readonly tags: readonly string[];
    readonly digest: string;
    readonly spec?: string;
  }
  const listed = JSON.parse(done(await third('image', 'ls', '--json'))) as readonly Listed[];
  assert.equal(listed.length, 1, 'what is the same is one image');
  assert.equal(listed[0]?.tags.length, forms.length + 1);
  assert.notEqual(listed[0]?.spec, undefined, 'the spec came along');
  const tree = async (run: typeof one, image: string) =>
    (JSON.parse(done(await run('image', 'show', image, '--json'))) as { directory: string }).directory;
  const fingerprint = async (directory: string) => done(await one('fingerprint', `root:${directory}`));
  assert.equal(await fingerprint(await tree(third, 'from-tar')), await fingerprint(await tree(one, 'again')));

  // names come and go; the last one takes the image along
  done(await one('image', 'delete', '--yes', 'again'));
  const directory = await tree(one, 'base:1');
  done(await one('image', 'delete', '--yes', 'base:1'));
  assert.equal(done(await one('image', 'ls')), '');
  assert.equal((await runProcess(['test', '-e', directory], { accept: 'any' })).status, 1);
  assert.equal((await one('image', 'show', 'base:1')).status, 2);
  assert.equal((await one('image', 'exprot', 'x')).status, 2);
});
