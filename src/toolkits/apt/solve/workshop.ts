import { lstatSync, mkdirSync, mkdtempSync, readlinkSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { CreateContext, RunOptions, RunResult } from '../../../contract/index.ts';
import { UserError, type Argv } from '../../../model/index.ts';
import { enclose } from '../../../sessions/confined.ts';
import { runProcess } from '../../../sessions/process.ts';

/** A folder of ours in which programs of this machine read what strangers wrote. */
export interface Workshop extends AsyncDisposable {
  /** The folder, as this machine sees it. Programs start in it, and name what is in it by `./`. */
  readonly folder: string;
  run(argv: Argv, options?: Options): Promise<RunResult>;
}

type Options = Pick<RunOptions, 'env' | 'accept'>;

const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', HOME: '/nonexistent' } as const;

/**
 * Opens one: confined, with this machine's programs to read and its own folder to write, and no network. Where nothing
 * can be confined they run as they are: they execute nothing that the files say.
 */
export async function openWorkshop(context: CreateContext): Promise<Workshop> {
  mkdirSync(context.work, { recursive: true });
  const top = mkdtempSync(join(context.work, 'apt-'));
  const folder = join(top, 'work');
  const tree = join(top, 'tree');
  for (const path of [folder, tree]) mkdirSync(path, { mode: 0o755 });
  const { signal } = context;
  try {
    const mounts = [{ source: folder, path: '/work', readonly: false }, ...showPrograms(tree)];
    const session = await enclose({ root: tree, level: 'confined', network: 'none', mounts }, signal);
    return {
      folder,
      run: async (argv, options) => await session.run(argv, withPlace(options, '/work', signal)),
      async [Symbol.asyncDispose]() {
        await session[Symbol.asyncDispose]();
        await rm(top, { recursive: true, force: true });
      },
    };
  } catch (error) {
    if (!(error instanceof UserError) || error.status !== 4) throw error;
    return {
      folder,
      run: async (argv, options) => await runProcess(argv, withPlace(options, folder, signal)),
      async [Symbol.asyncDispose]() {
        await rm(top, { recursive: true, force: true });
      },
    };
  }
}

function withPlace({ env, ...rest }: Options = {}, cwd: string, signal: AbortSignal): RunOptions {
  return { ...rest, env: { ...environment, TMPDIR: cwd, ...env }, cwd, signal };
}

/** /usr and what stands beside it, as this machine has them: links, or folders of their own. */
function showPrograms(tree: string): { source: string; path: string; readonly: boolean }[] {
  return ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'].flatMap((path) => {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isSymbolicLink() === true) symlinkSync(readlinkSync(path), join(tree, path));
    return found?.isDirectory() === true ? [{ source: path, path, readonly: true }] : [];
  });
}
