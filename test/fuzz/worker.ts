/** Feeds every parser with broken inputs, and says what went wrong. A parser that hangs is seen from outside. */
import { parentPort, workerData } from 'node:worker_threads';

import { RootError } from '../../src/contract/index.ts';
import { UserError } from '../../src/model/index.ts';
import { archives } from './archives.ts';
import { databases } from './databases.ts';
import { drawing, mutate } from './mutate.ts';
import { fileOf, type Parser, type Paths } from './parser.ts';
import { texts } from './texts.ts';

export interface Wanted {
  readonly seed: number;
  readonly inputs: number;
  readonly folder: string;
  /** Of shared memory: which parser, and how many inputs it has had. */
  readonly progress: Int32Array;
}

export interface Failure {
  readonly parser: string;
  readonly input: string;
  readonly because: string;
}

export type Said =
  | { readonly parsers: readonly string[] }
  | { readonly failure: Failure }
  | { readonly done: number; readonly slowest: readonly (readonly [string, number])[] };

const slowMs = 5000;
const mostFailures = 3;

async function run({ seed, inputs, folder, progress }: Wanted, say: (said: Said) => void): Promise<void> {
  const parsers: readonly Parser[] = [...(await archives(folder)), ...texts, ...(await databases(folder))];
  say({ parsers: parsers.map(({ name }) => name) });
  const weights = parsers.reduce((sum, { weight = 1 }) => sum + weight, 0);
  const times: [string, number][] = [];
  let done = 0;
  for (const [index, parser] of parsers.entries()) {
    const draw = drawing(seed + index * 7919);
    const seeds = parser.seeds.map((one) => Buffer.from(one as string));
    const rounds = Math.ceil((inputs * (parser.weight ?? 1)) / weights);
    const begun = performance.now();
    let failures = 0;
    Atomics.store(progress, 0, index);
    for (const whole of seeds) {
      const because = await tryOne(parser, whole);
      if (because !== undefined) say({ failure: { parser: parser.name, input: 'a seed', because } });
    }
    for (let round = 0; round < rounds && failures < mostFailures; round += 1) {
      Atomics.store(progress, 1, round);
      const broken = mutate(seeds[draw(seeds.length)] ?? Buffer.alloc(0), seeds, draw);
      const input = parser.mend !== undefined && draw(4) > 0 ? parser.mend(broken) : broken;
      const because = await tryOne(parser, input);
      done += 1;
      if (because === undefined) continue;
      failures += 1;
      const file = fileOf(folder, `failed-${parser.name.replaceAll(/[^a-z0-9]+/gi, '-')}-${round}`, input);
      say({ failure: { parser: parser.name, input: file, because } });
    }
    times.push([parser.name, Math.round(performance.now() - begun)]);
  }
  say({ done, slowest: times.toSorted(([, a], [, b]) => b - a).slice(0, 8) });
}

/** Undefined where all is well: it was read, or refused in a way that is meant for people. */
async function tryOne(parser: Parser, input: Buffer): Promise<string | undefined> {
  const begun = performance.now();
  try {
    const found = await parser.parse(Buffer.from(input));
    for (const path of pathsOf(found)) {
      if (!path.startsWith('/') || path.split('/').includes('..') || path.includes('\0'))
        return `a path: ${path.slice(0, 200)}`;
    }
  } catch (error) {
    if (!isRefusal(error, parser)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const took = performance.now() - begun;
  return took > slowMs ? `it took ${Math.round(took)} ms` : undefined;
}

function isRefusal(error: unknown, { throws }: Parser): boolean {
  if (throws === 'nothing') return false;
  if (error instanceof UserError || error instanceof RootError) return true;
  return throws !== undefined && error instanceof Error && error.constructor === Error;
}

function pathsOf(found: unknown): Iterable<string> {
  return typeof found === 'object' && found !== null && 'paths' in found ? (found as Paths).paths : [];
}

const port = parentPort;
if (port !== null) await run(workerData as Wanted, (said) => port.postMessage(said));
