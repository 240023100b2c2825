import { posix } from 'node:path';

import type { Root } from '../../../contract/index.ts';
import { parseParagraphs } from '../deb822.ts';
import { isArchitecture, isSuite } from '../names.ts';
import { listFolder, readFolder, readText, toText } from './reader.ts';

/** One repository and suite as sources.list(5) names it. */
export interface Entry {
  /** Without user name and password, without `/` at its end; http or https where it can be had by others. */
  readonly uri: string;
  /** What the names of apt's lists are made of: the address as it stands in the file. */
  readonly listed: string;
  /** Below `dists`, or a folder that ends in `/`. */
  readonly suite: string;
  /** None for a flat repository. */
  readonly components: readonly string[];
  /** Restricted to these; empty: all of the system's. */
  readonly architectures: readonly string[];
  readonly signedBy: SignedBy | undefined;
}

export interface SignedBy {
  /** Absolute paths of keyrings. */
  readonly files: readonly string[];
  readonly fingerprints: readonly string[];
  /** An armored key in the file itself. */
  readonly embedded?: string;
}

const folder = '/etc/apt/sources.list.d';

/** Every enabled binary repository of a root, in apt's order: sources.list, then the parts by name. */
export async function readSources(root: Root): Promise<readonly Entry[]> {
  const main = await readText(root, '/etc/apt/sources.list');
  const entries = main === undefined ? [] : parseOneLine(main);
  // apt reads what is named like this, and nothing else (apt's manual, sources.list(5))
  const names = (await listFolder(root, folder)).filter((name) => /^[A-Za-z0-9_.-]+\.(?:list|sources)$/.test(name));
  for (const [index, read] of (await readFolder(root, folder, names)).entries()) {
    if (!('content' in read)) continue;
    const text = toText(read.content);
    entries.push(...(names[index]?.endsWith('.list') === true ? parseOneLine(text) : parseDeb822(text)));
  }
  return Promise.all(entries.map((entry) => withMirror(root, entry)));
}

/** `deb [option=value …] URI SUITE [COMPONENT …]` */
export function parseOneLine(text: string): Entry[] {
  return text.split('\n').flatMap((line) => {
    const found = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)([^#]*)/.exec(line);
    if (found === null) return [];
    const [, options = '', uri = '', suite = '', components = ''] = found;
    const option = new Map<string, string>();
    for (const word of options.split(/\s+/)) {
      const [, name = '', value = ''] = /^([a-z-]+)[-+]?=(.*)$/i.exec(word) ?? [];
      if (name !== '') option.set(name.toLowerCase(), value);
    }
    return toEntries({
      uris: [uri],
      suites: [suite],
      components: words(components),
      architectures: (option.get('arch') ?? '').split(',').filter((name) => name !== ''),
      signedBy: toSignedBy((option.get('signed-by') ?? '').replaceAll(',', ' ')),
    });
  });
}

/** The stanzas of sources.list(5)'s other form. */
export function parseDeb822(text: string): Entry[] {
  return [...parseParagraphs(text)].flatMap(({ fields }) => {
    if (
      !words(fields.get('types')).includes('deb') ||
      /^(?:no|false|off|0|without|disable)$/i.test(fields.get('enabled') ?? '')
    ) {
      return [];
    }
    return toEntries({
      uris: words(fields.get('uris')),
      suites: words(fields.get('suites')),
      components: words(fields.get('components')),
      architectures: words(fields.get('architectures')),
      signedBy: toSignedBy(fields.get('signed-by') ?? ''),
    });
  });
}

/** The beginning of the names of apt's files in `lists/` for an address: quoted, `/` as `_`. */
export function listName(address: string): string {
  const url = URL.parse(address);
  const bare = url === null ? address.replace(/^[a-z+]+:\/*(?=\/)/i, '') : url.host + decodeURI(url.pathname);
  // apt-pkg's URItoFileName quotes these
  const quoted = bare.replaceAll(
    /[\\|{}[\]<>"^~_=!@#$%&* ]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return quoted.replaceAll('/', '_');
}

interface Raw {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly signedBy: SignedBy | undefined;
}

function toEntries({ uris, suites, components, architectures, signedBy }: Raw): Entry[] {
  const entries: Entry[] = [];
  for (const uri of uris) {
    for (const suite of suites) {
      if (!isSuite(suite) || (!suite.endsWith('/') && components.length === 0)) continue;
      entries.push({
        uri: withoutSecrets(uri),
        listed: uri.replace(/\/+$/, ''),
        suite,
        components: suite.endsWith('/') ? [] : components.filter((name) => isSuite(name)),
        architectures: architectures.filter((name) => isArchitecture(name)),
        signedBy,
      });
    }
  }
  return entries;
}

function toSignedBy(value: string): SignedBy | undefined {
  if (value.trim() === '') return undefined;
  if (value.includes('-----BEGIN PGP PUBLIC KEY BLOCK-----')) {
    // a line with a dot alone is an empty one
    const embedded = value.split('\n').map((line) => (line.trim() === '.' ? '' : line.trim()));
    return { files: [], fingerprints: [], embedded: embedded.join('\n').trimStart() };
  }
  const parts = words(value);
  return {
    files: parts.filter((part) => part.startsWith('/') && !part.split('/').includes('..')),
    fingerprints: parts
      .filter((part) => /^[0-9A-Fa-f]{40,64}!?$/.test(part))
      .map((part) => part.replace('!', '').toUpperCase()),
  };
}

function withoutSecrets(uri: string): string {
  const url = URL.parse(uri);
  if (url === null) return uri.replace(/\/+$/, '');
  url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  return url.href.replace(/\/+$/, '');
}

/** Cloud images name a file with a list of mirrors: the first one stands for all. */
async function withMirror(root: Root, entry: Entry): Promise<Entry> {
  const file = /^mirror\+file:\/*(\/.*)$/.exec(entry.uri)?.[1];
  if (file === undefined || posix.normalize(file) !== file) return entry;
  const first = words(await readText(root, file)).find((word) => /^https?:\/\//.test(word));
  return first === undefined ? entry : { ...entry, uri: withoutSecrets(first) };
}

function words(text: string | undefined): string[] {
  return (text ?? '')
    .split(/\s+/)
    .map((word) => word.trim())
    .filter((word) => word !== '');
}
