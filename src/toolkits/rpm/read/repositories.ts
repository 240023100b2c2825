import type { Root } from '../../../contract/index.ts';
import { listFolder, readFolder, readText, toText } from '../../apt/read/reader.ts';
import { cleanAddress } from '../../vcs/address.ts';
import type { RpmSource } from '../spec.ts';

/** A repository as a machine has it. */
export interface Repository {
  readonly source: RpmSource;
  readonly enabled: boolean;
  /** The .repo file that it stands in. */
  readonly file: string;
  /** Files of keys in the root. */
  readonly keyFiles: readonly string[];
  /** Whether somebody else can ask there. */
  readonly public: boolean;
}

/** Folders of .repo files and of variables, as dnf(8) and yum(8) have them. */
const repositoryFolders: readonly string[] = ['/etc/yum.repos.d', '/etc/yum/repos.d', '/etc/distro.repos.d'];
const variableFolders: readonly string[] = ['/etc/yum/vars', '/etc/dnf/vars'];

/** The repositories of a root, by id; variables in their addresses replaced. */
export async function readRepositories(
  root: Root,
  facts: { readonly release?: string; readonly architecture?: string },
): Promise<ReadonlyMap<string, Repository>> {
  const variables = await readVariables(root, facts);
  const found = new Map<string, Repository>();
  for (const folder of repositoryFolders) {
    const names = (await listFolder(root, folder)).filter((name) => name.endsWith('.repo'));
    for (const [index, read] of (await readFolder(root, folder, names)).entries()) {
      if (!('content' in read)) continue;
      const file = `${folder}/${names[index] ?? ''}`;
      for (const [id, section] of parseIni(toText(read.content))) {
        if (!/^[A-Za-z0-9][A-Za-z0-9._:+-]{0,127}$/.test(id) || id === 'main') continue;
        found.set(id, toRepository(id, section, variables, file));
      }
    }
  }
  return found;
}

/** Reads a file of sections, keys and values, as dnf does: what is indented goes on with the line before. */
export function parseIni(text: string): Map<string, ReadonlyMap<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  let key: string | undefined;
  for (const line of text.slice(0, 4 * 1024 * 1024).split(/\r?\n/)) {
    if (/^\s*(?:[#;]|$)/.test(line)) continue;
    const heading = /^\[([^\]]+)\]/.exec(line)?.[1];
    if (heading !== undefined) {
      section = sections.get(heading) ?? new Map();
      sections.set(heading, section);
      key = undefined;
      continue;
    }
    if (section === undefined) continue;
    if (/^\s/.test(line) && key !== undefined) {
      section.set(key, `${section.get(key) ?? ''} ${line.trim()}`.trim());
      continue;
    }
    const equals = line.search(/[=:]/);
    if (equals <= 0) continue;
    key = line.slice(0, equals).trim().toLowerCase();
    section.set(key, line.slice(equals + 1).trim());
  }
  return sections;
}

function toRepository(
  id: string,
  section: ReadonlyMap<string, string>,
  variables: ReadonlyMap<string, string>,
  file: string,
): Repository {
  const value = (key: string) => replaceVariables(section.get(key) ?? '', variables);
  const addresses = (key: string) =>
    value(key)
      .split(/[\s,]+/)
      .filter((word) => word !== '');
  const http = (key: string) => addresses(key).filter(isHttp).map(cleanAddress);
  const uris = http('baseurl');
  const [mirrorlist] = http('mirrorlist');
  const [metalink] = http('metalink');
  const label = value('name');
  const keys = addresses('gpgkey');
  const priority = /^[0-9]{1,5}$/.test(value('priority')) ? Number(value('priority')) : undefined;
  return {
    source: {
      name: id,
      ...(uris.length === 0 ? {} : { uri: uris.length === 1 ? (uris[0] ?? '') : uris }),
      ...(mirrorlist === undefined ? {} : { mirrorlist }),
      ...(metalink === undefined ? {} : { metalink }),
      ...(label === '' || label === id ? {} : { label }),
      ...(keys.some(isHttp) ? { 'key-addresses': keys.filter(isHttp).map(cleanAddress) } : {}),
      ...(priority === undefined ? {} : { priority }),
    },
    file,
    enabled: !/^(?:0|no|false)$/i.test(section.get('enabled') ?? '1'),
    keyFiles: keys.flatMap((key) => (key.startsWith('file:///') ? [key.slice('file://'.length)] : [])),
    public: uris.length > 0 || mirrorlist !== undefined || metalink !== undefined,
  };
}

async function readVariables(
  root: Root,
  { release, architecture }: { readonly release?: string; readonly architecture?: string },
): Promise<ReadonlyMap<string, string>> {
  const variables = new Map<string, string>();
  if (release !== undefined) {
    variables.set('releasever', release);
    const [major = '', minor = ''] = release.split('.');
    variables.set('releasever_major', major);
    variables.set('releasever_minor', minor);
  }
  if (architecture !== undefined) {
    variables.set('arch', architecture);
    variables.set('basearch', baseArchitecture(architecture));
  }
  for (const folder of variableFolders) {
    const names = await listFolder(root, folder);
    for (const [index, read] of (await readFolder(root, folder, names)).entries()) {
      if ('content' in read) variables.set(names[index] ?? '', toText(read.content).split('\n')[0]?.trim() ?? '');
    }
  }
  for (const name of ['/etc/dnf/dnf.conf', '/etc/yum.conf']) {
    const own = parseIni((await readText(root, name)) ?? '')
      .get('main')
      ?.get('releasever');
    if (own !== undefined) variables.set('releasever', own);
  }
  return variables;
}

/** The architecture as repositories are called. */
export function baseArchitecture(architecture: string): string {
  if (/^i[3-6]86$|^athlon$/.test(architecture)) return 'i386';
  return architecture.startsWith('x86_64') ? 'x86_64' : architecture;
}

/** `$name` and `${name}`, once: what a value says is not read again. Those that are not known stay. */
function replaceVariables(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replaceAll(
    /\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))/g,
    (whole, braced: string | undefined, bare: string | undefined) => variables.get(braced ?? bare ?? '') ?? whole,
  );
}

function isHttp(address: string): boolean {
  return /^https?:\/\//.test(address) && URL.parse(address) !== null;
}
