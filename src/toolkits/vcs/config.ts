/**
 * git's configuration syntax (git-config(1), "Syntax"), as data: nothing in it is acted upon, includes are not
 * followed. Keys are `section.name` or `section.sub section.name`, section and name in lower case.
 */
export type GitConfig = ReadonlyMap<string, readonly string[]>;

/** Reads a configuration file; lines that are not of the syntax are passed over. */
export function parseConfig(text: string): GitConfig {
  const found = new Map<string, string[]>();
  let section: string | undefined;
  for (const line of logicalLines(text)) {
    const heading = /^\s*\[\s*([A-Za-z0-9.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]\s*(.*)$/.exec(line);
    if (heading !== null) {
      const sub = heading[2]?.replaceAll(/\\(.)/g, '$1');
      section = sub === undefined ? (heading[1] ?? '').toLowerCase() : `${(heading[1] ?? '').toLowerCase()}.${sub}`;
    }
    const entry = /^\s*([A-Za-z][A-Za-z0-9-]*)\s*(?:=\s*(.*))?$/.exec(heading === null ? line : (heading[3] ?? ''));
    if (entry === null || section === undefined) continue;
    const key = `${section}.${(entry[1] ?? '').toLowerCase()}`;
    const values = found.get(key) ?? [];
    values.push(entry[2] === undefined ? 'true' : unquote(entry[2]));
    found.set(key, values);
  }
  return found;
}

/** The last value of a key, which is the one that holds. */
export function lastValue(config: GitConfig, key: string): string | undefined {
  return config.get(key)?.at(-1);
}

/** The subsections of a section: `subsections(config, 'remote')` are the names of the remotes, in order. */
export function subsections(config: GitConfig, section: string): string[] {
  const names = new Set<string>();
  for (const key of config.keys()) {
    const rest = key.startsWith(`${section}.`) ? key.slice(section.length + 1) : '';
    const dot = rest.lastIndexOf('.');
    if (dot > 0) names.add(rest.slice(0, dot));
  }
  return [...names];
}

/** A heading and its lines, quoted so that no value can become syntax. */
export function formatSection(
  section: string,
  sub: string | undefined,
  values: Readonly<Record<string, string>>,
): string {
  const heading = sub === undefined ? section : `${section} "${sub.replaceAll(/["\\]/g, '\\$&')}"`;
  const lines = Object.entries(values).map(([key, value]) => `\t${key} = ${quote(value)}\n`);
  return `[${heading}]\n${lines.join('')}`;
}

function quote(value: string): string {
  if (/^[\w+/.:*@-]+$/.test(value)) return value;
  return `"${value.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}

function* logicalLines(text: string): Generator<string> {
  let held = '';
  for (const line of text.split(/\r?\n/)) {
    const whole = held + line;
    // an odd number of backslashes at the end continues the line
    if (/(?:^|[^\\])(?:\\\\)*\\$/.test(whole) && !/^\s*[#;]/.test(whole)) {
      held = whole.slice(0, -1);
      continue;
    }
    held = '';
    if (!/^\s*(?:[#;]|$)/.test(whole)) yield whole;
  }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', b: '\b' };

function unquote(raw: string): string {
  let value = '';
  let quoted = false;
  let kept = 0; // up to here, white space at the end counts
  for (let at = 0; at < raw.length; at += 1) {
    const char = raw[at] ?? '';
    if (char === '"') quoted = !quoted;
    else if (char === '\\') {
      at += 1;
      value += escapes[raw[at] ?? ''] ?? raw[at] ?? '';
      kept = value.length;
      continue;
    } else if (!quoted && (char === '#' || char === ';')) break;
    else value += char;
    if (quoted || !/\s/.test(char)) kept = value.length;
  }
  return value.slice(0, kept);
}
