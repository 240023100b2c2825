/** Traces one program on our descriptors, as whoever runs this: `node one.ts WORK BOX PROGRAM…`; leaves WORK/result.json. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Argv } from '../../src/model/index.ts';
import { straceTracer } from '../../src/tracers/strace/index.ts';
import { trapEnvironment } from './suite.ts';

const [work = '', cwd = '', ...argv] = process.argv.slice(2);
const result = await straceTracer.trace(argv as unknown as Argv, {
  cwd,
  env: trapEnvironment,
  stdin: 'inherit',
  stdout: 'inherit',
  stderr: 'inherit',
  stat: false,
  work,
  onProgress: () => {},
  signal: new AbortController().signal,
});
writeFileSync(join(work, 'result.json'), JSON.stringify(result));
process.exitCode = result.status;
