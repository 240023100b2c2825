import { isSafeAbsolute } from '../../../model/index.ts';
import { RootError, type Root } from '../../../contract/index.ts';
import { readFolder, listFolder, toText } from '../../apt/read/reader.ts';

/** One choice of alternatives(8): links that lead to one of several programs. */
export interface Alternative {
  readonly name: string;
  readonly manual: boolean;
  /** `/usr/bin/java`, `/etc/alternatives/java`. */
  readonly links: readonly string[];
  /** Where they lead to. */
  readonly target: string;
}

/** chkconfig's, and that of Fedora since 41. */
const states: readonly string[] = ['/var/lib/alternatives', '/var/lib/dpkg/alternatives'];
const chosen = '/etc/alternatives';

/**
 * Reads the states (a line `auto` or `manual`, the main link, then pairs of followers) and where the links in
 * /etc/alternatives lead. Sorted by name.
 */
export async function readAlternatives(root: Root): Promise<Alternative[]> {
  const links = await linksIn(root, chosen);
  const targets = new Map<string, string>();
  for (const name of links) {
    const target = await readLink(root, `${chosen}/${name}`);
    if (target !== undefined) targets.set(name, target);
  }
  const found = new Map<string, Alternative>();
  for (const [name, target] of targets) found.set(name, { name, manual: false, links: [`${chosen}/${name}`], target });
  for (const folder of states) {
    const names = await listFolder(root, folder);
    for (const [index, read] of (await readFolder(root, folder, names)).entries()) {
      if (!('content' in read)) continue;
      const lines = toText(read.content).split('\n');
      const manual = lines[0] === 'manual';
      const pairs: (readonly [string, string])[] = [[names[index] ?? '', lines[1] ?? '']];
      for (let at = 2; at + 1 < lines.length && lines[at] !== ''; at += 2) {
        pairs.push([lines[at] ?? '', lines[at + 1] ?? '']);
      }
      for (const [position, [name, link]] of pairs.entries()) {
        const there = found.get(name);
        if (there === undefined || !isSafeAbsolute(link)) continue;
        found.set(name, { ...there, manual: manual && position === 0, links: [...there.links, link] });
      }
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function linksIn(root: Root, folder: string): Promise<string[]> {
  try {
    return (await root.readdir(folder)).filter(({ type }) => type === 'link').map(({ name }) => name);
  } catch (error) {
    if (error instanceof RootError) return [];
    throw error;
  }
}

async function readLink(root: Root, path: string): Promise<string | undefined> {
  try {
    const target = await root.readlink(path);
    return isSafeAbsolute(target) ? target : undefined;
  } catch (error) {
    if (error instanceof RootError) return undefined;
    throw error;
  }
}
