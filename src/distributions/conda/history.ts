/**
 * What was asked for, by package name, as `conda-meta/history` tells it: the `# update specs:` and `# remove specs:`
 * lines of each transaction, the last word counting. Never throws.
 * See https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html.
 */
export function parseHistory(text: string): ReadonlyMap<string, string> {
  const asked = new Map<string, string>();
  for (const line of text.slice(0, largest).split('\n')) {
    const [, kind, list] = /^# (update|install|create|remove|neutered|uninstall) specs: ?(.*)$/.exec(line) ?? [];
    if (kind === undefined || list === undefined) continue;
    for (const spec of listed(list)) {
      const name = nameOf(spec);
      if (name === undefined) continue;
      if (kind === 'remove' || kind === 'uninstall') asked.delete(name);
      else asked.set(name, spec);
    }
  }
  return asked;
}

/** The name that a match spec is about: of `conda-forge::numpy[version='>=1']`, `numpy`. */
export function nameOf(spec: string): string | undefined {
  const [, name] = /^\s*(?:[^\s[\]]*::)?([A-Za-z0-9_][A-Za-z0-9_.-]*)/.exec(spec.slice(0, 4096)) ?? [];
  return name?.toLowerCase();
}

const largest = 16 * 1024 * 1024;

/** A Python list of strings (`['a', "b"]`), or words between commas. */
function listed(list: string): readonly string[] {
  if (!list.startsWith('[')) return list.split(',').map((one) => one.trim());
  return [...list.matchAll(/'([^']*)'|"([^"]*)"/g)].map(([, single, double]) => single ?? double ?? '');
}
