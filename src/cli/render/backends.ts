import type { AnyBackend } from '../../contract/index.ts';
import type { Profile } from '../../formats/profile.ts';

/** Every backend with its parameters, then every resource with its settings. */
export function backendLines(backends: readonly AnyBackend[], resources: readonly Profile[]): string[] {
  const made = backends.flatMap(({ name, title, params }) => {
    const entries = Object.keys((params as { entries?: Record<string, unknown> }).entries ?? {});
    return [`${name.padEnd(10)} ${title}`, ...entries.map((key) => `           --set ${key}=…`)];
  });
  const configured = resources.map(({ name, backend, set }) => {
    const settings = Object.entries(set).map(([key, value]) => ` --set ${key}=${value}`);
    return `${name.padEnd(10)} -b ${backend}${settings.join('')}`;
  });
  return configured.length === 0 ? made : [...made, '', 'resources:', ...configured];
}
