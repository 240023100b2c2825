/** Makes what is published: `dist/`, a bundle for the command line and the library, and the library's types. */
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';

import { build } from 'esbuild';

import { leanBuiltins } from './lean-builtins.ts';

const top = resolve(import.meta.dirname, '..');
const dist = resolve(top, 'dist');
rmSync(dist, { recursive: true, force: true });
await build({
  absWorkingDir: top,
  entryPoints: {
    cli: 'src/cli/main.ts',
    index: 'src/index.ts',
    contract: 'src/contract/index.ts',
    // a process of its own, which may run as another user
    'lay-worker': 'src/toolkits/apt/lay/worker.ts',
  },
  outdir: dist,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  // small, and wanted at once; the others stay packages
  external: ['seek-bzip', 'xz-decompress', 'yaml', 'fast-string-width'],
  plugins: [leanBuiltins],
  logLevel: 'warning',
});
cpSync(resolve(top, 'src/sessions/enclosure'), resolve(dist, 'enclosure'), { recursive: true });
execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { cwd: top, stdio: 'inherit' });
