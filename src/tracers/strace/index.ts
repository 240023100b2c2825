import type { Argv } from '../../model/index.ts';
import type { TraceOptions, TraceResult, Tracer } from '../../contract/index.ts';
import { traceInside } from './inside.ts';
import { probeStrace } from './probe.ts';
import { traceCommand } from './run.ts';

/** Watches a command with strace (ptrace), through seccomp-bpf where the machine has it. */
export const straceTracer: Tracer = {
  name: 'strace',
  async probe(signal) {
    const probed = await probeStrace(signal);
    return probed.usable ? { usable: true, detail: probed.detail } : probed;
  },
  async trace(argv: Argv, options: TraceOptions): Promise<TraceResult> {
    const { session } = options;
    return session === undefined ? await traceCommand(argv, options) : await traceInside(argv, { ...options, session });
  },
};
