/** Writes schema/spec-1.json from the schemas that read specs. `--check` only says whether it is as it should be. */
import { readFileSync, writeFileSync } from 'node:fs';

import { distributions } from '../src/distributions/index.ts';
import { specJsonSchema } from './spec-schema.ts';

const file = new URL('../schema/spec-1.json', import.meta.url);
const text = `${JSON.stringify(specJsonSchema(distributions), undefined, 2)}\n`;

if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  process.stderr.write('schema/spec-1.json is not what the schemas say: node scripts/schema.ts\n');
  process.exitCode = 1;
}
