import type { Root, Stat } from '../../../contract/index.ts';
import { byBytes, type Digest } from '../../../model/index.ts';
import { tarEnd, tarPadding } from '../../../roots/tar-header.ts';
import { inPieces } from '../../trees/in-pieces.ts';
import { firstDynamicId, type Accounts } from './accounts.ts';
import type { Attribution, Listed } from './attribution.ts';
import type { DpkgPackage } from './database.ts';
import { arHeader, arPadding, tarHeader, type Member } from './pack.ts';
import { fileReader, listFolder, readFolder } from './reader.ts';
import { parseSums } from './sums.ts';

/** A .deb that is made from what is installed: the same bytes each time. */
export interface Repacked {
  /** Its bytes; to be taken once. */
  readonly bytes: () => AsyncGenerator<Uint8Array>;
  readonly contents?: Digest;
  /** Files of the package that could not be read. */
  readonly unreadable: readonly string[];
}

interface Item {
  readonly member: Member;
  /** Where its content is; files only. */
  readonly path?: string;
}

/**
 * Puts a package together again (deb(5), not compressed): its control files, and its files as they are installed,
 * diverted ones under their own names. Sorted; what is not the package's (ids that systems give out as they need them,
 * times of folders) is left out.
 */
export async function repack(
  root: Root,
  one: DpkgPackage,
  attribution: Attribution,
  accounts: Accounts,
): Promise<Repacked> {
  const unreadable: string[] = [];
  const items = await dataItems(root, attribution.entriesOf(one.key), accounts, unreadable);
  const mtime = Math.max(0, ...items.filter(({ path }) => path !== undefined).map(({ member }) => member.mtime));
  const control = await controlMembers(root, one, mtime);
  const sums = control.find(({ name }) => name === 'md5sums')?.content.toString('latin1') ?? '';
  const { contents } = parseSums(sums);
  return {
    bytes: () => inPieces(write(root, control, items, mtime)),
    ...(contents === undefined ? {} : { contents }),
    unreadable: unreadable.sort(byBytes),
  };
}

async function dataItems(
  root: Root,
  entries: readonly Listed[],
  accounts: Accounts,
  unreadable: string[],
): Promise<Item[]> {
  const sorted = entries.toSorted((a, b) => byBytes(a.listed, b.listed));
  const folders = sorted.filter(({ folder }) => folder).map(({ path }) => path);
  // a folder of the list may be a link here: what it leads to is the folder
  const real = await root.realpath(folders);
  const realOf = new Map(folders.map((path, index) => [path, real[index] ?? path]));
  const stats = await root.lstat(sorted.map(({ path, folder }) => (folder ? (realOf.get(path) ?? path) : path)));
  const readable = await readableFiles(root, sorted, stats);
  const first = new Map<string, string>();
  const items: Item[] = [{ member: folder('.', { mode: 0o755 }) }];
  for (const [index, { listed, path }] of sorted.entries()) {
    const stat = stats[index];
    const name = `.${listed}`;
    if (stat === undefined) continue; // removed by the administrator, or excluded when it was unpacked
    if (stat.type === 'directory') {
      items.push({ member: folder(name, owners(stat, accounts)) });
    } else if (stat.type === 'link') {
      items.push({
        member: { ...base(name, stat, accounts), type: 'link', size: 0, target: await root.readlink(path) },
      });
    } else if (stat.type !== 'file' || !readable.has(path)) {
      unreadable.push(path);
    } else {
      const other = stat.inode === undefined ? undefined : first.get(stat.inode);
      if (stat.inode !== undefined && other === undefined) first.set(stat.inode, name);
      const member = base(name, stat, accounts);
      if (other !== undefined) items.push({ member: { ...member, type: 'hardlink', size: 0, target: other } });
      else items.push({ member: { ...member, type: 'file', size: stat.size }, path });
    }
  }
  return items;
}

/** Whether we may read them is found by trying, before sizes are promised. */
async function readableFiles(
  root: Root,
  entries: readonly Listed[],
  stats: readonly (Stat | undefined)[],
): Promise<ReadonlySet<string>> {
  const files = entries.filter((_, index) => stats[index]?.type === 'file').map(({ path }) => path);
  if (process.getuid?.() === 0 && root.directory !== undefined) return new Set(files);
  const digests = await root.digest(files, 'md5');
  return new Set(files.filter((_, index) => digests[index] !== undefined));
}

function folder(name: string, of: { mode: number } & Partial<Member>): Member {
  return { uid: 0, gid: 0, ...of, name, type: 'directory', mtime: -1, size: 0 };
}

function base(name: string, stat: Stat, accounts: Accounts): Omit<Member, 'type' | 'size'> {
  return { name, mtime: Math.max(0, Math.floor(stat.mtimeMs / 1000)), ...owners(stat, accounts) };
}

/** An owner that is not the same everywhere was set by a script, which will set it again. */
function owners(stat: Stat, accounts: Accounts): Pick<Member, 'mode' | 'uid' | 'gid' | 'user' | 'group'> {
  const isOurs = stat.uid < firstDynamicId && stat.gid < firstDynamicId;
  const uid = isOurs ? stat.uid : 0;
  const gid = isOurs ? stat.gid : 0;
  const user = accounts.user(uid);
  const group = accounts.group(gid);
  return {
    mode: isOurs ? stat.mode : stat.mode & 0o1777,
    uid,
    gid,
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
  };
}

interface Control {
  readonly name: string;
  readonly content: Buffer;
  readonly member: Member;
}

const scripts = ['config', 'postinst', 'postrm', 'preinst', 'prerm'];
/** What dpkg writes beside the control files by itself, or into the status paragraph. */
const ownFiles = ['list', 'control'];
const ownFields = /^(?:Status|Conffiles|Config-Version|Triggers-Pending|Triggers-Awaited):.*\n(?:[ \t].*\n)*/gm;

async function controlMembers(root: Root, { info, paragraph }: DpkgPackage, mtime: number): Promise<Control[]> {
  const prefix = `${info.base}.`;
  const all = await listFolder(root, info.folder);
  const files = all.filter((name) => name.startsWith(prefix) && isControl(name.slice(prefix.length)));
  const reads = await readFolder(root, info.folder, files);
  const found = files.flatMap((file, index): [string, Buffer][] => {
    const read = reads[index];
    return read !== undefined && 'content' in read ? [[file.slice(prefix.length), read.content]] : [];
  });
  found.push(['control', Buffer.from(`${paragraph}\n`.replaceAll(ownFields, ''))]);
  return found
    .sort(([a], [b]) => byBytes(a, b))
    .map(([name, content]) => ({
      name,
      content,
      member: {
        name: `./${name}`,
        type: 'file',
        mode: scripts.includes(name) ? 0o755 : 0o644,
        uid: 0,
        gid: 0,
        user: 'root',
        group: 'root',
        mtime,
        size: content.length,
      },
    }));
}

/** `libc6` is a beginning of `libc6.1`'s names, too: a control file has one part. */
function isControl(name: string): boolean {
  return /^[a-z0-9_-]+$/.test(name) && !ownFiles.includes(name);
}

async function* write(
  root: Root,
  control: readonly Control[],
  items: readonly Item[],
  mtime: number,
): AsyncGenerator<Uint8Array> {
  const controlTar = Buffer.concat([
    tarHeader({ ...folder('.', { mode: 0o755 }), mtime, user: 'root', group: 'root' }),
    ...control.flatMap(({ member, content }) => [tarHeader(member), content, tarPadding(content.length)]),
    tarEnd,
  ]);
  const headers = items.map(({ member }) => tarHeader(member.mtime < 0 ? { ...member, mtime } : member));
  const size = items.reduce(
    (sum, { member }, index) => sum + (headers[index] as Buffer).length + Math.ceil(member.size / 512) * 512,
    tarEnd.length,
  );
  const version = Buffer.from('2.0\n');
  yield Buffer.concat([Buffer.from('!<arch>\n'), arHeader('debian-binary', version.length, mtime), version]);
  yield Buffer.concat([arHeader('control.tar', controlTar.length, mtime), controlTar, arPadding(controlTar.length)]);
  yield arHeader('data.tar', size, mtime);
  const read = fileReader(root);
  for (const [index, { member, path }] of items.entries()) {
    yield headers[index] as Buffer;
    if (path === undefined) continue;
    const file = await read(path);
    if (!('content' in file) || file.content.length !== member.size)
      throw new Error(`${path} changed while it was read`);
    yield file.content;
    yield tarPadding(member.size);
  }
  yield tarEnd;
  yield arPadding(size);
}
