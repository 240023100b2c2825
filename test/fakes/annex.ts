import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { sha256 } from '../../src/model/index.ts';
import { runProcess } from '../../src/sessions/process.ts';
import { lowerFolder, objectPath } from '../../src/toolkits/vcs/annex/key.ts';

const env = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  LC_ALL: 'C.UTF-8',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_DATE: '1700000000 +0000',
  GIT_COMMITTER_DATE: '1700000000 +0000',
};

/** git, without anybody's configuration; returns what it says. */
export async function gitIn(cwd: string, ...args: readonly string[]): Promise<string> {
  const own = ['-c', 'user.name=a', '-c', 'user.email=a@example.org'];
  return (await runProcess(['git', ...own, ...args], { cwd, env })).stdout.toString('utf8');
}

export interface FakeAnnex {
  /** Content by path: annexed as a link. */
  readonly locked: Readonly<Record<string, string>>;
  /** Content by path: annexed as a pointer in git, as content in the work tree. */
  readonly unlocked?: Readonly<Record<string, string>>;
  /** Tracked by git itself. */
  readonly plain?: Readonly<Record<string, string>>;
  readonly uuidLog?: string;
  readonly remoteLog?: string;
  /** Addresses of a path's content. */
  readonly urls?: Readonly<Record<string, string>>;
}

export const fakeUuid = '11111111-2222-4333-8444-555555555555';

/** The key of such content. */
export function fakeKey(path: string, content: string): string {
  return `SHA256E-s${Buffer.byteLength(content)}--${sha256(content)}${/\.[a-z]{1,4}$/.exec(path)?.[0] ?? ''}`;
}

/** What `git annex init` and `git annex add` leave behind, made by git alone: the program need not be there. */
export async function fakeAnnex(top: string, files: FakeAnnex): Promise<void> {
  mkdirSync(top, { recursive: true });
  await gitIn(top, 'init', '-q', '-b', 'main');
  const logs = new Map([['uuid.log', files.uuidLog ?? `${fakeUuid} here timestamp=1700000000s\n`]]);
  if (files.remoteLog !== undefined) logs.set('remote.log', files.remoteLog);
  const addKey = (path: string, content: string): string => {
    const key = fakeKey(path, content);
    const object = join(top, '.git', objectPath(key));
    mkdirSync(dirname(object), { recursive: true });
    writeFileSync(object, content, { mode: 0o444 });
    logs.set(`${lowerFolder(key)}/${key}.log`, `1700000000s 1 ${fakeUuid}\n`);
    const url = files.urls?.[path];
    if (url !== undefined) logs.set(`${lowerFolder(key)}/${key}.log.web`, `1700000000s 1 ${url}\n`);
    return key;
  };
  for (const [path, content] of Object.entries(files.plain ?? {})) {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), content);
  }
  for (const [path, content] of Object.entries(files.locked)) {
    const up = '../'.repeat(path.split('/').length - 1);
    mkdirSync(dirname(join(top, path)), { recursive: true });
    symlinkSync(`${up}.git/${objectPath(addKey(path, content))}`, join(top, path));
  }
  for (const [path, content] of Object.entries(files.unlocked ?? {}))
    writeFileSync(join(top, path), `/annex/objects/${addKey(path, content)}\n`);
  await gitIn(top, 'add', '-A');
  await gitIn(top, 'commit', '-q', '-m', 'x');
  const config = {
    'annex.uuid': fakeUuid,
    'annex.version': '10',
    'filter.annex.clean': 'git-annex smudge --clean -- %f',
  };
  for (const [name, value] of Object.entries(config)) await gitIn(top, 'config', name, value);
  mkdirSync(join(top, '.git/info'), { recursive: true });
  writeFileSync(join(top, '.git/info/attributes'), '* filter=annex\n');
  for (const [path, content] of Object.entries(files.unlocked ?? {})) writeFileSync(join(top, path), content);

  const branch = join(top, '.git/branch');
  for (const [path, text] of logs) {
    mkdirSync(dirname(join(branch, path)), { recursive: true });
    writeFileSync(join(branch, path), text);
  }
  const index = ['-c', 'core.bare=false', `--work-tree=${branch}`, `--git-dir=${join(top, '.git')}`];
  const own = { ...env, GIT_INDEX_FILE: join(top, '.git/branch-index') };
  const run = async (...args: string[]) =>
    (
      await runProcess(
        [
          'git',
          '-c',
          'user.name=a',
          '-c',
          'user.email=a@example.org',
          '-c',
          'core.attributesFile=/dev/null',
          ...index,
          ...args,
        ],
        { cwd: branch, env: own },
      )
    ).stdout
      .toString()
      .trim();
  rmSync(join(top, '.git/info/attributes'));
  await run('add', '-A', '-f');
  const commit = await run('commit-tree', '-m', 'update', await run('write-tree'));
  await gitIn(top, 'update-ref', 'refs/heads/git-annex', commit);
  writeFileSync(join(top, '.git/info/attributes'), '* filter=annex\n');
  rmSync(branch, { recursive: true });
  rmSync(join(top, '.git/branch-index'));
}
