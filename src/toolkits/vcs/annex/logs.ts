import { posix } from 'node:path';

import { byBytes } from '../../../model/index.ts';
import type { Root } from '../../../contract/index.ts';
import type { ObjectReader } from '../read-objects.ts';
import { readRefs } from '../refs.ts';
import { lowerFolder } from './key.ts';

/** A place that git-annex can keep content in beside git remotes, by its uuid. What is secret in its configuration is left out. */
export interface SpecialRemote {
  readonly name: string;
  /** As git-annex has it; of an external one, its program's: `S3`, `web`, `ora`. */
  readonly type: string;
  readonly uuid: string;
  /** Where it may be read without credentials, for what knows its layout. */
  readonly url?: string;
}

/** What the git-annex branch says (git-annex docs, "internals"), with what was not committed to it yet. */
export interface AnnexLogs {
  readonly special: readonly SpecialRemote[];
  /** Uuids of the repositories that have a key, and web addresses of its content. */
  of(key: string): Promise<{ readonly uuids: ReadonlySet<string>; readonly urls: readonly string[] }>;
}

const uuidForm = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** git-annex's own for the web. */
export const webUuid = '00000000-0000-0000-0000-000000000001';

/** Reads it in the repository's own git-annex branch, those of its remotes, and the journal. */
export async function readAnnexLogs(root: Root, commonDir: string, objects: ObjectReader): Promise<AnnexLogs> {
  const refs = (await readRefs(root, commonDir)).filter(({ name }) =>
    /^refs\/(?:heads|remotes\/.+)\/git-annex$/.test(name),
  );
  const commits = [...new Set(refs.map(({ id }) => id))];
  const journalFolder = posix.join(commonDir, 'annex/journal');
  const waiting = new Set((await root.readdir(journalFolder).catch(() => [])).map(({ name }) => name));
  const read = async (path: string): Promise<string> => {
    const texts = [];
    for (const commit of commits) texts.push((await objects.blobAt(commit, path))?.toString('utf8') ?? '');
    const name = path.replaceAll('_', '__').replaceAll('/', '_');
    const journal = waiting.has(name)
      ? await root.readFile(posix.join(journalFolder, name), 1 << 24).catch(() => undefined)
      : undefined;
    return [...texts, journal?.toString('utf8') ?? ''].join('\n');
  };
  return {
    special: parseRemoteLog(await read('remote.log')),
    async of(key) {
      const log = `${lowerFolder(key)}/${key}.log`;
      return {
        uuids: new Set(parsePresence(await read(log)).filter((one) => uuidForm.test(one))),
        urls: parsePresence(await read(`${log}.web`)).filter(isPublicUrl),
      };
    },
  };
}

/** What a log of presence (`TIMEs 1 WHAT`, the newest line counts) says to be there, sorted. */
export function parsePresence(text: string): string[] {
  const newest = new Map<string, { readonly time: number; readonly there: boolean }>();
  for (const line of text.split('\n')) {
    const [, seconds, status, what] = /^([0-9.]{1,30})s ([01X]) (\S.*)$/.exec(line) ?? [];
    if (what === undefined) continue;
    const time = Number(seconds);
    if ((newest.get(what)?.time ?? -1) <= time) newest.set(what, { time, there: status === '1' });
  }
  return [...newest].flatMap(([what, { there }]) => (there ? [what] : [])).sort(byBytes);
}

/** The special remotes of a remote.log (`UUID name=… type=… … timestamp=TIMEs`, the newest line counts), by name. */
export function parseRemoteLog(text: string): readonly SpecialRemote[] {
  const newest = new Map<string, { readonly time: number; readonly fields: ReadonlyMap<string, string> }>();
  for (const line of text.split('\n')) {
    const [uuid = '', ...words] = line.trim().split(' ');
    if (!uuidForm.test(uuid)) continue;
    const fields = new Map(
      words.flatMap((word) =>
        word.includes('=') ? [[word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]] : [],
      ),
    );
    const time = Number(/^([0-9.]+)s$/.exec(fields.get('timestamp') ?? '')?.[1] ?? 0);
    if ((newest.get(uuid)?.time ?? -1) <= time) newest.set(uuid, { time, fields });
  }
  return [...newest]
    .flatMap(([uuid, { fields }]): SpecialRemote[] => {
      const type = plain(fields.get('externaltype')) ?? plain(fields.get('type'));
      const name = plain(fields.get('name')) ?? plain(fields.get('sameas-name'));
      if (type === undefined || name === undefined) return [];
      const encrypted = (fields.get('encryption') ?? 'none') !== 'none';
      const url = [fields.get('publicurl'), fields.get('url')?.replace(/^ria\+/, '')].find(
        (one) => one !== undefined && one !== 'no' && isPublicUrl(one),
      );
      return [{ name, type, uuid, ...(url === undefined || encrypted ? {} : { url }) }];
    })
    .sort((a, b) => byBytes(a.name, b.name) || byBytes(a.uuid, b.uuid));
}

/** Whether anybody may know the address: http(s), no user, nothing in it that looks like a key. */
function isPublicUrl(address: string): boolean {
  const url = /^https?:\/\//i.test(address) && !/[\0-\u{20}\u{7f}]/u.test(address) ? URL.parse(address) : null;
  if (url === null || url.username !== '' || url.password !== '') return false;
  return ![...url.searchParams.keys()].some((name) => /token|sig|secret|passw|credential|access|auth|key/i.test(name));
}

function plain(value: string | undefined): string | undefined {
  return value !== undefined && /^[\w.+@-]{1,128}$/.test(value) ? value : undefined;
}
