/** What is published: built of a clean tree, packed, installed as anybody would, and used. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative, resolve, sep } from 'node:path';
import { before, describe, test } from 'node:test';

import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

import { runProcess } from '../../src/sessions/process.ts';
import { need, scratch } from './need.ts';

const top = resolve(import.meta.dirname, '../..');
const folder = scratch('package');
const [tree, project] = [join(folder, 'tree'), join(folder, 'project')];
const leftOut = ['.git', '.node', 'node_modules', 'dist', join('examples', 'brain', 'out')];
const description = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8')) as { version: string };
const env = { ...definedOnly(process.env), PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter) };
const run = async (directory: string, ...argv: [string, ...string[]]) =>
  (await runProcess(argv, { cwd: directory, env })).stdout.toString('utf8');

describe('the package', () => {
  before(async () => {
    if ((await runProcess(['npm', '--version'], { env, accept: 'any' })).status !== 0) await need('npm');
    const isWanted = (path: string) => !leftOut.some((name) => relative(top, path).split(sep).join('/') === name);
    cpSync(top, tree, { recursive: true, filter: isWanted });
    symlinkSync(join(top, 'node_modules'), join(tree, 'node_modules'));
    await run(tree, 'node', 'scripts/build.ts');
    await run(tree, 'npm', 'pack', '--ignore-scripts', '--pack-destination', folder);
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'a-study', private: true, type: 'module' }));
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await run(project, 'npm', 'install', ...options, join(folder, `repronim-${description.version}.tgz`));
  });

  test('is as publint wants it', async () => {
    const { messages, pkg } = await publint({ pkgDir: tree, strict: true });
    assert.deepEqual(
      messages.map((message) => formatMessage(message, pkg)),
      [],
    );
  });

  test('has a command, which finds its own parts', async () => {
    assert.equal(await run(project, 'npx', '--no-install', 'repronim', '--version'), `${description.version}\n`);
    const doctor = async (...command: [string, ...string[]]) =>
      (await runProcess([...command, 'doctor'], { cwd: project, env, accept: 'any' })).stdout.toString('utf8');
    const installed = await doctor(join(project, 'node_modules/.bin/repronim'));
    assert.match(installed, /chroot/);
    assert.equal(installed, await doctor(process.execPath, join(top, 'src/cli/main.ts')));
  });

  test('is a library, with its contract and its schema', async () => {
    const program = `
      const { trace, create, verify, UserError } = await import('repronim');
      const { anyText } = await import('repronim/contract');
      const { default: schema } = await import('repronim/schema.json', { with: { type: 'json' } });
      process.stdout.write([typeof trace, typeof create, typeof verify, typeof UserError, typeof anyText, schema.title].join());`;
    const said = await run(project, 'node', '--input-type=module', '-e', program);
    assert.match(said, /^function,function,function,function,object,repronim: /);
  });

  test('has types that need nothing of the checkout', async () => {
    const program = `import { create, trace, verify, type Verdict } from 'repronim';
      import type { Backend, Distribution } from 'repronim/contract';
      const { spec } = await trace(['true']);
      const verdict: Verdict = await verify(await create(spec, { name: 'study' }));
      export const parts: [Verdict, Backend['name'] | undefined, Distribution['type'] | undefined] = [verdict, undefined, undefined];
      // @ts-expect-error -- it is typed, not any
      await trace(7);`;
    writeFileSync(join(project, 'program.ts'), program);
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2024',
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      types: ['node'],
      typeRoots: [join(top, 'node_modules/@types')],
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
    const tsc = join(top, 'node_modules/.bin/tsc');
    const { status, stdout } = await runProcess([tsc, '-p', project], { env, accept: 'any' });
    assert.equal(stdout.toString('utf8'), '');
    assert.equal(status, 0);
  });
});

function definedOnly(variables: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}
