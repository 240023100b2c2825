import type { Limit } from './kind.ts';

/** Of a podman that we know nothing of (of another machine, or one with less than we have). */
export function lowestLimits(message: string): readonly Limit[] | undefined {
  if (!message.includes('setting rlimit')) return undefined;
  return ['nofile', 'nproc'].map((Name) => ({ Name, Soft: 1024, Hard: 1024 }));
}
