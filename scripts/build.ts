/** Makes what is published: `dist/`, a bundle for the command line and the library, and the library's types. */
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';

import { build } from 'esbuild';

const top = resolve(import.meta.dirname, '..');
rmSync(resolve(top, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: top,
  entryPoints: { cli: 'src/cli/main.ts', index: 'src/index.ts', contract: 'src/contract/index.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minifySyntax: true,
  packages: 'external',
  // commander alone is wanted at every start; read from one file it costs a third
  plugins: [],
  logLevel: 'warning',
});
cpSync(resolve(top, 'src/sessions/enclosure'), resolve(top, 'dist/enclosure'), { recursive: true });
execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { cwd: top, stdio: 'inherit' });
