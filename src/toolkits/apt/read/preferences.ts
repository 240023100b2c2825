import type { Root } from '../../../contract/index.ts';
import { parseParagraphs } from '../deb822.ts';
import type { AptOrigin, AptPin } from '../spec.ts';
import { listFolder, readFolder, readText, toText } from './reader.ts';

const folder = '/etc/apt/preferences.d';

/** Every stanza of apt_preferences(5) of a root, in apt's order. */
export async function readPreferences(root: Root): Promise<readonly AptPin[]> {
  const main = await readText(root, '/etc/apt/preferences');
  // no extension, or .pref
  const names = (await listFolder(root, folder)).filter((name) => /^[A-Za-z0-9_-]+(?:\.pref)?$/.test(name));
  const parts = (await readFolder(root, folder, names)).flatMap((read) =>
    'content' in read ? [toText(read.content)] : [],
  );
  return [...(main === undefined ? [] : [main]), ...parts].flatMap(parsePreferences);
}

/** The stanzas of one file. */
export function parsePreferences(text: string): AptPin[] {
  return [...parseParagraphs(text)].flatMap(({ fields }) => {
    const packages = oneLine(fields.get('package'));
    const pin = oneLine(fields.get('pin'));
    const priority = Number.parseInt(fields.get('pin-priority') ?? '', 10);
    if (packages === '' || pin === '' || !Number.isInteger(priority) || Math.abs(priority) > 32767) return [];
    return [{ packages, pin, priority }];
  });
}

/** Whether a general pin (`release …`, `origin "…"`) means an index; false for what can't be told here (`/regex/`). */
export function pinMeans(pin: string, origin: AptOrigin): boolean {
  const [, kind = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(pin) ?? [];
  if (kind === 'origin') return URL.parse(origin.uri)?.hostname === rest.replaceAll('"', '').trim();
  if (kind !== 'release') return false;
  const conditions = rest.split(',').map((condition) => condition.trim());
  return conditions.length > 0 && conditions.every((condition) => conditionMeans(condition, origin));
}

/** Whether a pin can move anything, where these are all indices that packages come from. */
export function isInForce({ pin }: AptPin, origins: Iterable<AptOrigin>): boolean {
  return !/^(?:origin|release)\s/.test(pin) || [...origins].some((origin) => pinMeans(pin, origin));
}

function conditionMeans(condition: string, origin: AptOrigin): boolean {
  const [, key, quoted = ''] = /^(?:([avnclob])\s*=\s*)?(.*)$/.exec(condition) ?? [];
  const value = quoted.replace(/^"(.*)"$/, '$1');
  if (value === '' || value.startsWith('/')) return false;
  const matches = (text: string | undefined) => text !== undefined && globMatches(value, text);
  switch (key) {
    case 'a':
      return matches(origin.suite);
    case 'n':
      return matches(origin.codename);
    case 'v':
      return matches(origin.version);
    case 'c':
      return matches(origin.component);
    case 'l':
      return matches(origin.label);
    case 'o':
      return matches(origin.origin);
    case undefined:
      return matches(origin.suite) || matches(origin.codename) || matches(origin.version);
    default:
      return false;
  }
}

function globMatches(glob: string, text: string): boolean {
  const parts = glob.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(text);
}

function oneLine(value: string | undefined): string {
  return (value ?? '').replaceAll(/\s+/g, ' ').trim();
}
