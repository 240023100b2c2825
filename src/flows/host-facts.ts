import type { HostFacts } from '../model/index.ts';
import type { Root } from '../contract/index.ts';

/** What a re-created environment can't bring along, as far as results may depend on it: the kernel and the processor. */
export async function hostFacts(root: Root): Promise<HostFacts> {
  const release = await text(root, '/proc/sys/kernel/osrelease');
  const processor = await text(root, '/proc/cpuinfo');
  const kernel = /^\d+(\.\d+)*/.exec(release)?.[0];
  const cpu = processorLevel(/^flags\s*:\s*(.*)$/m.exec(processor)?.[1]);
  return { ...(kernel === undefined ? {} : { kernel }), ...(cpu === undefined ? {} : { cpu }) };
}

/** The levels of the x86-64 psABI, by what is new in each. */
const levels: readonly (readonly [string, readonly string[]])[] = [
  ['x86-64-v4', ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl']],
  ['x86-64-v3', ['avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'movbe']],
  ['x86-64-v2', ['cx16', 'lahf_lm', 'popcnt', 'sse4_1', 'sse4_2', 'ssse3']],
  ['x86-64', ['sse2']],
];

function processorLevel(flags: string | undefined): string | undefined {
  const has = new Set(flags?.split(' '));
  // each level includes those below it
  const from = levels.findIndex((_, index) =>
    levels.slice(index).every(([, needs]) => needs.every((flag) => has.has(flag))),
  );
  return levels[from]?.[0];
}

async function text(root: Root, path: string): Promise<string> {
  return await root.readFile(path).then(
    (bytes) => bytes.toString('latin1'),
    () => '',
  );
}
