import type { AnyBackend } from '../../contract/index.ts';
import type { Profile } from '../../formats/profile.ts';

/** Every backend with its parameters, then every resource with its settings. */
export function backendLines(backends: readonly AnyBackend[], resources: readonly Profile[]): string[] {
  const made = backends.flatMap(({ name, title, params }) => {
    const entries = Object.entries((params as { entries?: Record<string, Entry> }).entries ?? {});
    const settings = entries.map(([key, entry]) => `           --set ${key}=${valuesOf(entry)}`);
    return [`${name.padEnd(10)} ${title}`, ...settings];
  });
  const configured = resources.map(({ name, backend, set }) => {
    const settings = Object.entries(set).map(([key, value]) => ` --set ${key}=${value}`);
    return `${name.padEnd(10)} -b ${backend}${settings.join('')}`;
  });
  return configured.length === 0 ? made : [...made, '', 'resources:', ...configured];
}

/** What of a parameter's schema is shown: the words that it takes, where those are all. */
interface Entry {
  readonly wrapped?: Entry;
  readonly options?: readonly unknown[];
}

function valuesOf({ wrapped, options }: Entry): string {
  if (wrapped !== undefined) return valuesOf(wrapped);
  const words = options?.filter((option) => typeof option === 'string') ?? [];
  return words.length > 0 && words.length === options?.length ? words.join('|') : '…';
}
