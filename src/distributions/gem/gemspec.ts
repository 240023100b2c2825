/** What RubyGems writes into `specifications` (Gem::Specification#to_ruby). */
export interface Gemspec {
  readonly name: string;
  readonly version: string;
  readonly executables: readonly string[];
  readonly requires: readonly string[];
}

/** Read, not run: it is a program. Undefined where it is not as RubyGems writes it. */
export function parseGemspec(content: string): Gemspec | undefined {
  const field = (name: string) =>
    new RegExp(String.raw`^[ \t]*s\.${name} = (?:%q<([^>\n]+)>|"([^"\n]+)")`, 'm')
      .exec(content)
      ?.slice(1)
      .find(Boolean);
  const name = field('name');
  const version = field('version');
  if (name === undefined || version === undefined) return undefined;
  const [, executables = ''] = /^[ \t]*s\.executables = \[(.*?)\]/m.exec(content) ?? [];
  const asked = content.matchAll(/s\.add_(?:runtime_)?dependency\(%q<([^>\n]+)>/g);
  return {
    name,
    version,
    executables: [...executables.matchAll(/"([\w.-]+)"/g)].flatMap(([, one]) => one ?? []),
    requires: [...new Set([...asked].flatMap(([, one]) => one ?? []))].sort(),
  };
}
