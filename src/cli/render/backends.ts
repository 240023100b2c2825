import type { AnyBackend } from '../../contract/index.ts';

/** Every backend with its parameters. */
export function backendLines(backends: readonly AnyBackend[]): string[] {
  return backends.flatMap(({ name, title, params }) => {
    const entries = Object.keys((params as { entries?: Record<string, unknown> }).entries ?? {});
    return [`${name.padEnd(10)} ${title}`, ...entries.map((key) => `           --set ${key}=…`)];
  });
}
