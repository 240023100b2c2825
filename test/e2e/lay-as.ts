/** Lays a root as whoever runs this; the job is on standard input, the answer on standard output. */
import { readFileSync } from 'node:fs';

import { layRoot, type LayOptions } from '../../src/toolkits/apt/lay/lay.ts';
import type { DebFile } from '../../src/toolkits/apt/lay/payload.ts';

interface Job {
  readonly debs: readonly DebFile[];
  readonly directory: string;
  readonly options: Pick<LayOptions, 'merged' | 'architectures' | 'holds' | 'cache'>;
}

const { debs, directory, options } = JSON.parse(readFileSync(0, 'utf8')) as Job;
const laid = await layRoot(debs, directory, {
  ...options,
  trusted: false,
  signal: new AbortController().signal,
  onProgress: () => {},
});
process.stdout.write(JSON.stringify(laid));
