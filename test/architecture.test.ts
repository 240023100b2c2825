/** The house holds: who may import whom, who may start processes, and that folders are what registries say. */
import assert from 'node:assert/strict';
import { globSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

import { byBytes } from '../src/model/index.ts';

const top = resolve(import.meta.dirname, '..');
const src = join(top, 'src');
const files = globSync('**/*.ts', { cwd: src }).filter((file) => !file.endsWith('.test.ts'));

interface Import {
  readonly from: string;
  readonly to: string;
}

const imports: Import[] = files.flatMap((file) => {
  const text = readFileSync(join(src, file), 'utf8');
  return [...text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^'";]*?from\s+'([^']+)'|import\(\s*'([^']+)'/g)].map(
    (found) => {
      const name = found[1] ?? found[2] ?? '';
      return { from: file, to: name.startsWith('.') ? relative(src, resolve(src, dirname(file), name)) : name };
    },
  );
});

const room = (file: string) => file.split('/')[0] ?? '';
const plugin = (file: string) => file.split('/').slice(0, 2).join('/');
const leaves = ['roots', 'sessions', 'tracers', 'archives', 'formats', 'inventory'];
const plugins = ['distributions', 'backends'];
const allowed: Record<string, readonly string[]> = {
  model: [],
  contract: ['model'],
  flows: ['model', 'contract', 'roots', 'sessions', 'archives', 'formats', 'inventory'],
  toolkits: ['model', 'contract', ...leaves],
  distributions: ['model', 'contract', 'toolkits', 'roots', 'sessions', 'archives', 'formats'],
  backends: ['model', 'contract', 'toolkits', 'roots', 'sessions', 'archives', 'formats'],
  ...Object.fromEntries(leaves.map((leaf) => [leaf, ['model', 'contract', ...leaves]])),
};

test('imports follow the arrows of docs/architecture.md', () => {
  const wrong = imports.filter(({ from, to }) => {
    const [at, goal] = [room(from), room(to)];
    if (!to.endsWith('.ts') || allowed[at] === undefined || at === goal) return false;
    return !allowed[at].includes(goal);
  });
  assert.deepEqual(wrong, []);
});

test('no plug-in imports another', () => {
  const wrong = imports.filter(
    ({ from, to }) =>
      plugins.includes(room(from)) &&
      room(from) === room(to) &&
      !/^[^/]+\/index\.ts$/.test(from) &&
      plugin(from) !== plugin(to),
  );
  assert.deepEqual(wrong, []);
});

test('src/index.ts and src/hall.ts alone know the registries', () => {
  const knowing = imports.filter(
    ({ from, to }) => /^(distributions|backends)\/index\.ts$/.test(to) && room(from) !== room(to),
  );
  assert.deepEqual([...new Set(knowing.map(({ from }) => from))].toSorted(byBytes), ['hall.ts', 'index.ts']);
});

test('no imports go round in a circle, those of types included', () => {
  const goals = Map.groupBy(imports, ({ from }) => from);
  const done = new Set<string>();
  const circles: string[][] = [];
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file]);
    if (way.includes(file) || done.has(file)) return;
    for (const { to } of goals.get(file) ?? []) visit(to, [...way, file]);
    done.add(file);
  };
  for (const file of goals.keys()) visit(file, []);
  assert.deepEqual(circles, []);
});

test('model needs nothing but pure parts of Node', () => {
  const outside = imports.filter(({ from, to }) => room(from) === 'model' && !to.startsWith('model/'));
  assert.deepEqual([...new Set(outside.map(({ to }) => to))].sort(), ['node:crypto', 'node:path']);
});

test('processes start in sessions and tracers only, sockets open in archives and clients only', () => {
  const wrong = imports.filter(({ from, to }) => {
    if (to === 'node:child_process') return !['sessions', 'tracers'].includes(room(from));
    if (!/^node:(https?|net|tls|dgram)$/.test(to)) return false;
    // a pipe is a net.Socket, too
    if (to === 'node:net' && /(^|\/)streams\.ts$/.test(from)) return false;
    if (room(from) === 'archives') return false;
    return !/^(backends\/[^/]+|toolkits\/engine)\/client(\/|\.ts)/.test(from);
  });
  assert.deepEqual(wrong, []);
});

test('only the command line touches arguments, standard output and the exit status', () => {
  const wrong = files.filter(
    (file) =>
      room(file) !== 'cli' &&
      !file.endsWith('worker.ts') &&
      /\bprocess\.(argv|stdout|exit|exitCode)\b|\bconsole\./.test(readFileSync(join(src, file), 'utf8')),
  );
  assert.deepEqual(wrong, []);
});

test('no program is run by a shell', () => {
  const starting = imports.filter(({ to }) => to === 'node:child_process').map(({ from }) => from);
  const wrong = starting.filter((file) =>
    /shell: *true|\bexecSync\b|\bexec\b\s*[,}]/.test(readFileSync(join(src, file), 'utf8')),
  );
  assert.deepEqual(wrong, []);
});

for (const kind of plugins) {
  test(`the registry of ${kind} has what its folders are`, async () => {
    const folders = readdirSync(join(src, kind), { withFileTypes: true }).filter((found) => found.isDirectory());
    const registry = (await import(join(src, kind, 'index.ts'))) as Record<
      string,
      readonly { type?: string; name?: string }[]
    >;
    const listed = Object.values(registry)
      .flat()
      .map((entry) => entry.type ?? entry.name ?? '');
    assert.deepEqual(listed.toSorted(byBytes), folders.map((found) => found.name).toSorted(byBytes));
  });
}

test('files are named for what is in them, and none is a cupboard', () => {
  const names = files.map((file) => basename(file).replace(/(\.d)?\.ts$/, ''));
  assert.deepEqual(
    names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)),
    [],
  );
  assert.deepEqual(
    names.filter((name) => /^(utils?|helpers?|common|misc|manager)$/.test(name)),
    [],
  );
});

test('no source file is over 400 lines', () => {
  const all = globSync('{src,test,bench,scripts}/**/*.{ts,pl}', { cwd: top });
  const long = all.filter((file) => readFileSync(join(top, file), 'utf8').split('\n').length > 401);
  assert.deepEqual(long, []);
});
