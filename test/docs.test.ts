/** The pages say what is so: what they name is there, what they list is all, and their examples are good. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';

import { distributions } from '../src/distributions/index.ts';
import { distributionsPage } from '../scripts/distributions-page.ts';
import { readSpec } from '../src/formats/spec/read.ts';

const top = resolve(import.meta.dirname, '..');
const names = ['README.md', ...globSync('docs/**/*.md', { cwd: top })];
const pages = names.map((name) => ({ name, text: readFileSync(join(top, name), 'utf8') }));
/** Pages about our own files; that of the distributions is about others'. */
const ownPages = pages.filter(({ name }) => name !== 'docs/distributions.md');
const page = (name: string) => pages.find((one) => one.name === name)?.text ?? '';
const blocks = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))].map(([, code = '']) => code);
const prose = (text: string) => text.replaceAll(/^```[^]*?^```/gm, '');
const foldersOf = (folder: string) =>
  readdirSync(join(top, folder), { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? [one.name] : []));

test('every link leads somewhere', () => {
  const broken = pages.flatMap(({ name, text }) =>
    [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
      if (/^https?:/.test(target)) return [];
      const [file = '', anchor] = target.split('#');
      const goal = file === '' ? join(top, name) : resolve(top, dirname(name), file);
      if (!existsSync(goal)) return [`${name}: ${target}`];
      return anchor === undefined || anchorsOf(readFileSync(goal, 'utf8')).includes(anchor)
        ? []
        : [`${name}: ${target}`];
    }),
  );
  assert.deepEqual(broken, []);
});

test('every path of ours that a page names is there', () => {
  const ours = new Set([...foldersOf('.'), ...foldersOf('src')]);
  const missing = ownPages.flatMap(({ name, text }) =>
    [...prose(text).matchAll(/`(?:ls |node )?([\w.*-]+\/[\w./*-]*)`/g)].flatMap(([, path = '']) => {
      const first = path.split('/')[0] ?? '';
      if (!ours.has(first) || path.includes('NAME')) return [];
      return ['', 'src'].some((below) => globSync(path, { cwd: join(top, below) }).length > 0)
        ? []
        : [`${name}: ${path}`];
    }),
  );
  assert.deepEqual(missing, []);
});

test('every file and member that a page names is one of the code', () => {
  const contract = globSync('src/{contract,model}/*.ts', { cwd: top })
    .map((file) => readFileSync(join(top, file), 'utf8'))
    .join('\n');
  const wrong = ownPages.flatMap(({ name, text }) => [
    ...[...prose(text).matchAll(/^\| `([\w-]+\.ts)` \|/gm)].flatMap(([, file = '']) =>
      globSync(`src/{backends,distributions}/*/${file}`, { cwd: top }).length > 0 ? [] : [`${name}: ${file}`],
    ),
    ...[...prose(text).matchAll(/`([A-Z]\w+)\.(\w+)`/g)].flatMap(([, type = '', member = '']) =>
      new RegExp(`interface ${type}\\b[^]*?\\n {2}(?:readonly )?${member}\\b`).test(contract)
        ? []
        : [`${name}: ${type}.${member}`],
    ),
  ]);
  assert.deepEqual(wrong, []);
});

test('the page of the architecture has every folder, and the plug-ins by their names', () => {
  const architecture = page('docs/architecture.md');
  for (const folder of foldersOf('src')) assert.match(architecture, new RegExp(`\\| \`src/${folder}/\` \\|`), folder);
  for (const kind of ['distributions', 'backends', 'tracers']) {
    const [, row = ''] = new RegExp(`\\| \`src/${kind}/\` \\|(.*)\\|`).exec(architecture) ?? [];
    const listed = (/`([^`]*)`/.exec(row)?.[1] ?? '').split(' ').toSorted();
    assert.deepEqual(listed, foldersOf(`src/${kind}`).toSorted(), kind);
  }
  const [, toolkits = ''] = /\| `src\/toolkits\/` \|(.*)\|/.exec(architecture) ?? [];
  for (const toolkit of foldersOf('src/toolkits')) assert.ok(toolkits.includes(`\`${toolkit}\``), toolkit);
});

test('the README has every word of the command line', () => {
  const main = readFileSync(join(top, 'src/cli/main.ts'), 'utf8');
  const verbs = [...main.matchAll(/import\('\.\/commands\/(\w+)\.ts'\)/g)].map(([, verb = '']) => verb);
  assert.ok(verbs.length > 10);
  const [table = ''] = /^\| `reproduce[^]*?\n\n/m.exec(page('README.md')) ?? [];
  assert.deepEqual(
    verbs.filter((verb) => !new RegExp(`\`${verb}[ \`]`).test(table)),
    [],
  );
});

test('the specs in the README are specs', () => {
  const specs = blocks(page('README.md'), 'yaml');
  assert.ok(specs.length > 0);
  for (const text of specs) {
    const { warnings } = readSpec(text, { file: 'README.md', distributions });
    assert.deepEqual(warnings, []);
  }
});

test('the page of the distributions is made of their own', () => {
  const readmes = distributions.flatMap(({ type }) => {
    const file = join(top, 'src/distributions', type as string, 'readme.md');
    return existsSync(file) ? [{ type: type as string, text: readFileSync(file, 'utf8') }] : [];
  });
  assert.equal(page('docs/distributions.md'), distributionsPage(readmes), 'npm run docs writes it');
});

test('the programs in the pages type-check', () => {
  const folder = mkdtempSync(join(tmpdir(), 'repronim-docs-'));
  try {
    const programs = pages.flatMap(({ text }) => blocks(text, 'ts'));
    assert.ok(programs.length > 0);
    for (const [index, code] of programs.entries()) writeFileSync(join(folder, `${index}.mts`), code);
    const compilerOptions = {
      paths: { repronim: [join(top, 'src/index.ts')], 'repronim/contract': [join(top, 'src/contract/index.ts')] },
      typeRoots: [join(top, 'node_modules/@types')],
    };
    const config = {
      extends: join(top, 'tsconfig.json'),
      compilerOptions,
      include: ['*.mts', join(top, 'src/**/*.d.ts')],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(top, 'node_modules/.bin/tsc');
    const options = { encoding: 'utf8', env: { ...process.env, PATH: pathWithNode() } } as const;
    assert.equal(execFileSync(tsc, ['-p', folder], options), '');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** `tsc` is a script that wants a `node` on the path. */
function pathWithNode(): string {
  return `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
}

/** As hosts of Markdown make them of headings. */
function anchorsOf(text: string): string[] {
  return [...prose(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
