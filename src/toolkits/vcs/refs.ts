import { posix } from 'node:path';

import { byBytes } from '../../model/index.ts';
import type { Root } from '../../contract/index.ts';

/** A name that points to an object. */
export interface Ref {
  readonly name: string;
  readonly id: string;
}

const idForm = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Where HEAD is: at a commit, on a branch or not. */
export interface Head {
  readonly branch?: string;
  readonly commit: string;
}

/** All refs of a repository, loose ones before packed ones of the same name; sorted by name. Symbolic ones are left out. */
export async function readRefs(root: Root, commonDir: string): Promise<readonly Ref[]> {
  const found = new Map<string, string>();
  const packed = await readText(root, posix.join(commonDir, 'packed-refs'));
  for (const line of packed?.split('\n') ?? []) {
    const match = /^([0-9a-f]{40,64}) (refs\/.+)$/.exec(line);
    if (match !== null && isRefName(match[2] ?? '')) found.set(match[2] ?? '', match[1] ?? '');
  }
  await addLoose(root, commonDir, 'refs', found, 0);
  return [...found].map(([name, id]) => ({ name, id })).sort((a, b) => byBytes(a.name, b.name));
}

/** What HEAD of a work tree is; undefined where there is no commit yet, or where it can't be read. */
export async function readHead(root: Root, gitDir: string, commonDir: string): Promise<Head | undefined> {
  const text = (await readText(root, posix.join(gitDir, 'HEAD')))?.trim() ?? '';
  if (idForm.test(text)) return { commit: text };
  const name = /^ref: (refs\/\S.*)$/.exec(text)?.[1];
  if (name === undefined || !isRefName(name)) return undefined;
  const commit = await resolveRef(root, commonDir, name);
  if (commit === undefined) return undefined;
  return name.startsWith('refs/heads/') ? { branch: name.slice('refs/heads/'.length), commit } : { commit };
}

/** Whether git would take it for a ref's name (git-check-ref-format(1)): also safe as a path below the git dir. */
export function isRefName(name: string): boolean {
  return (
    name.startsWith('refs/') &&
    name.length < 1024 &&
    !/[\0-\u{20}\u{7f}~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)|[/.]$/u.test(name)
  );
}

async function resolveRef(root: Root, commonDir: string, name: string): Promise<string | undefined> {
  let at = name;
  for (let depth = 0; depth < 5; depth += 1) {
    const loose = (await readText(root, posix.join(commonDir, at)))?.trim();
    if (loose === undefined) break;
    if (idForm.test(loose)) return loose;
    const next = /^ref: (refs\/\S.*)$/.exec(loose)?.[1];
    if (next === undefined || !isRefName(next)) return undefined;
    at = next;
  }
  const packed = await readText(root, posix.join(commonDir, 'packed-refs'));
  const line = packed?.split('\n').find((one) => one.endsWith(` ${at}`));
  const id = line?.slice(0, -at.length - 1) ?? '';
  return idForm.test(id) ? id : undefined;
}

async function addLoose(root: Root, commonDir: string, folder: string, found: Map<string, string>, depth: number) {
  const entries = await root.readdir(posix.join(commonDir, folder)).catch(() => []);
  for (const { name, type } of entries) {
    const ref = `${folder}/${name}`;
    if (type === 'directory' && depth < 32) await addLoose(root, commonDir, ref, found, depth + 1);
    if (type !== 'file' || !isRefName(ref)) continue;
    const id = (await readText(root, posix.join(commonDir, ref)))?.trim() ?? '';
    if (idForm.test(id)) found.set(ref, id);
  }
}

async function readText(root: Root, path: string): Promise<string | undefined> {
  const bytes = await root.readFile(path, 64 * 1024 * 1024).catch(() => undefined);
  return bytes?.toString('utf8');
}
