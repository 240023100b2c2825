/**
 * Writes docs/distributions.md from each plug-in's own `readme.md`, in the order of the registry. `--check` only says
 * whether it is as it should be.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import { distributions } from '../src/distributions/index.ts';
import { distributionsPage } from './distributions-page.ts';

const page = new URL('../docs/distributions.md', import.meta.url);
const readmes = distributions.flatMap(({ type }) => {
  const file = new URL(`../src/distributions/${type}/readme.md`, import.meta.url);
  return existsSync(file) ? [{ type: type as string, text: readFileSync(file, 'utf8') }] : [];
});
const text = distributionsPage(readmes);

if (!process.argv.includes('--check')) writeFileSync(page, text);
else if (!existsSync(page) || readFileSync(page, 'utf8') !== text) {
  process.stderr.write('docs/distributions.md is not what the plug-ins say: node scripts/docs.ts\n');
  process.exitCode = 1;
}
