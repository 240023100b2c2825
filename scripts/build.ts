/** Makes what is published: `dist/`, a bundle for the command line and the library, and the library's types. */
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';

import { build, type BuildOptions, type Plugin } from 'esbuild';

import { leanBuiltins } from './lean-builtins.ts';

const top = resolve(import.meta.dirname, '..');
const dist = resolve(top, 'dist');
const apart: Plugin = {
  name: 'apart',
  setup: ({ onResolve }) => onResolve({ filter: /^\.\/lean\.ts$/ }, () => ({ path: './lean.js', external: true })),
};
rmSync(dist, { recursive: true, force: true });
const common: BuildOptions = {
  absWorkingDir: top,
  outdir: dist,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  // small, and wanted at once; the others stay packages
  external: ['seek-bzip', 'xz-decompress', 'yaml', 'fast-string-width'],
  logLevel: 'warning',
};
await build({
  ...common,
  entryPoints: {
    cli: 'src/cli/main.ts',
    index: 'src/index.ts',
    contract: 'src/contract/index.ts',
    // a process of its own, which may run as another user
    'lay-worker': 'src/toolkits/apt/lay/worker.ts',
  },
  splitting: true,
  plugins: [leanBuiltins, apart],
});
// whole, in one file: what it shares with the others is there twice, and never meets
await build({ ...common, entryPoints: { lean: 'src/cli/lean.ts' }, plugins: [leanBuiltins] });
cpSync(resolve(top, 'src/sessions/enclosure'), resolve(dist, 'enclosure'), { recursive: true });
execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { cwd: top, stdio: 'inherit' });
