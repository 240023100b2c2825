import type { Root } from '../../../contract/index.ts';
import { byBytes, sha256, type Digest } from '../../../model/index.ts';
import type { DpkgPackage } from './database.ts';
import { readFolder, toText } from './reader.ts';

/** What a package says of its files: md5 in hexadecimal by the name that its list has for them. */
export interface Sums {
  readonly md5: ReadonlyMap<string, string>;
  /** The digest of its md5sums, lines sorted; absent where it has none. */
  readonly contents?: Digest;
}

/** The md5sums of packages, by key. */
export async function readSums(root: Root, packages: readonly DpkgPackage[]): Promise<ReadonlyMap<string, Sums>> {
  const sums = new Map<string, Sums>();
  for (const [folder, group] of Map.groupBy(packages, ({ info }) => info.folder)) {
    const reads = await readFolder(
      root,
      folder,
      group.map(({ info }) => `${info.base}.md5sums`),
    );
    for (const [index, one] of group.entries()) {
      const read = reads[index];
      sums.set(one.key, parseSums(read !== undefined && 'content' in read ? toText(read.content) : ''));
    }
  }
  return sums;
}

/** Lines of `md5  path`, the path without a slash before it. */
export function parseSums(text: string): Sums {
  const lines = text.split('\n').filter((line) => /^[0-9a-f]{32} [ *]./.test(line));
  const md5 = new Map(lines.map((line) => [`/${line.slice(34).replace(/^\.?\//, '')}`, line.slice(0, 32)]));
  if (lines.length === 0) return { md5 };
  return { md5, contents: `sha256:${sha256(`${lines.toSorted(byBytes).join('\n')}\n`)}` };
}
