import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { openStore } from '../../archives/store.ts';
import type { Plan } from '../../model/index.ts';
import { tarEnd } from '../../roots/tar-header.ts';
import { renderApptainer } from './apptainer.ts';
import { renderDockerfile } from './dockerfile.ts';
import { renderSchroot } from './schroot.ts';
import { fillTemplate } from './template.ts';

const of = (text: string) => ({ file: 'mine', text });

test('values are put in once, whatever is in them; a line of nothing goes', () => {
  const values = { a: '{{b}} $& $1', b: 'two\nlines', none: '' };
  assert.equal(
    fillTemplate(of('x {{a}} {{ b }}\n{{none}}\n  {{a}}\n{{none}}.'), values),
    'x {{b}} $& $1 two\nlines\n  {{b}} $& $1\n.',
  );
  assert.throws(() => fillTemplate(of('\n{{nonne}}'), values), {
    message: 'mine:2: unknown placeholder {{nonne}}',
    status: 2,
  });
  assert.throws(() => fillTemplate(of('{{toString}}'), values), /unknown placeholder/);
});

const awkward = 'a"b\'c\n%post\nid\nRUN id {{steps}}';
const plan: Plan = {
  bootstrap: { id: 'debian', type: 'debian', summary: '3 packages\n%post' },
  steps: [{ do: 'run', argv: ['echo', awkward], because: awkward }],
  contents: [],
};

async function* empty(): AsyncGenerator<Uint8Array> {
  yield tarEnd;
}

function rendered(t: TestContext, ...file: string[]): { folder: string; read(): string } {
  const top = mkdtempSync(join(tmpdir(), 'repronim-template-'));
  t.after(() => rmSync(top, { recursive: true, force: true }));
  const folder = join(top, 'a study');
  return { folder, read: () => readFileSync(join(folder, ...file), 'utf8') };
}

const options = (folder: string) => ({
  store: openStore(join(folder, '..', 'store')),
  root: empty(),
  environment: { A: "it's $B", ODD: awkward },
});

test('no value begins a section of a definition file', async (t) => {
  const { folder, read } = rendered(t, 'apptainer.def');
  await renderApptainer(plan, folder, options(folder));
  const text = read();
  assert.deepEqual(text.match(/^\s*%\w+/gm), ['\n%setup', '\n%environment', '\n%runscript', '\n%labels']);
  assert.match(text, /^ {4}export A='it'\\''s \$B'$/m);
  assert.match(text, /^ {4}# not written: ODD$/m);
});

test('a configuration of schroot knows where its root is', async (t) => {
  const { folder, read } = rendered(t, 'schroot.conf');
  await renderSchroot(plan, folder, options(folder));
  assert.match(read(), /^\[a-study\]\ndescription=3 packages %post\ntype=directory\ndirectory=(.*)\/a study\/root\n/m);
});

test('a recipe of the user is filled in instead, and starts from an image', async (t) => {
  const { folder, read } = rendered(t, 'Dockerfile');
  const { root: _, ...rest } = options(folder);
  await renderDockerfile(plan, folder, {
    ...rest,
    base: 'debian:bookworm',
    template: of('FROM {{base}} AS x\n{{steps}}\n# end\n'),
  });
  const lines = read().split('\n');
  assert.equal(lines[0], 'FROM debian:bookworm AS x');
  assert.equal(lines.filter((line) => line.startsWith('RUN ')).length, 1);
  assert.deepEqual(lines.slice(-2), ['# end', '']);
});
