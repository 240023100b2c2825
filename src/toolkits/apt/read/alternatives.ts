import { posix } from 'node:path';

import { RootError, type Root } from '../../../contract/index.ts';
import { listFolder, readFolder, toText } from './reader.ts';

const stateFolder = '/var/lib/dpkg/alternatives';
const linkFolder = '/etc/alternatives';

/** One name that update-alternatives(1) manages. */
export interface Alternative {
  readonly name: string;
  readonly mode: 'auto' | 'manual';
  /** What it is now; undefined where the link is not there. */
  readonly value?: string;
  /** What it would be by itself: the choice of the highest priority. */
  readonly best?: string;
  /** Links that belong to it: the one that people use, and the one below /etc/alternatives, with what the latter has. */
  readonly links: readonly { readonly path: string; readonly via: string; readonly target: string }[];
}

/** Every alternative of a root, by name. What can't be read is left out. */
export async function readAlternatives(root: Root): Promise<readonly Alternative[]> {
  const names = await listFolder(root, stateFolder);
  const reads = await readFolder(root, stateFolder, names);
  const targets = await readLinks(root);
  return names.flatMap((name, index) => {
    const read = reads[index];
    return read !== undefined && 'content' in read ? [parse(name, toText(read.content), targets)] : [];
  });
}

/** The file: mode, link, pairs of slave and its link, an empty line; per choice: path, priority, one path a slave. */
function parse(name: string, text: string, targets: ReadonlyMap<string, string>): Alternative {
  const lines = text.split('\n');
  const mode = lines[0] === 'manual' ? 'manual' : 'auto';
  const members = [{ name, path: lines[1] ?? '' }];
  let at = 2;
  for (; at + 1 < lines.length && lines[at] !== ''; at += 2) {
    members.push({ name: lines[at] ?? '', path: lines[at + 1] ?? '' });
  }
  let best: { path: string; priority: number } | undefined;
  for (at += 1; at + 1 < lines.length && lines[at] !== ''; at += 1 + members.length) {
    const [path = '', number = ''] = lines.slice(at, at + 2);
    const priority = Number.parseInt(number, 10);
    if (path !== '' && (best === undefined || priority > best.priority)) best = { path, priority };
  }
  const value = targets.get(name);
  return {
    name,
    mode,
    ...(value === undefined ? {} : { value }),
    ...(best === undefined ? {} : { best: best.path }),
    links: members.flatMap((member) => {
      const target = targets.get(member.name);
      return target === undefined || !member.path.startsWith('/')
        ? []
        : [{ path: member.path, via: posix.join(linkFolder, member.name), target }];
    }),
  };
}

async function readLinks(root: Root): Promise<Map<string, string>> {
  const targets = new Map<string, string>();
  for (const name of await listFolder(root, linkFolder)) {
    try {
      const target = await root.readlink(posix.join(linkFolder, name));
      if (target.startsWith('/')) targets.set(name, target);
    } catch (error) {
      if (!(error instanceof RootError)) throw error; // a plain file there is nobody's choice
    }
  }
  return targets;
}
