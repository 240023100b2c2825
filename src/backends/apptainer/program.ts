import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

import { UserError } from '../../model/index.ts';
import { runProcess } from '../../sessions/process.ts';
import type { ApptainerParams } from './params.ts';

const names = ['apptainer', 'singularity'] as const;

/** Where modules and administrators put it, beside PATH. */
const usualFolders = ['/usr/local/bin', '/usr/bin', '/bin'];

/** The program that is there, as a path. Throws UserError 4 where there is none. */
export function findProgram({ program }: Pick<ApptainerParams, 'program'>): string {
  if (program !== undefined) {
    if (isProgram(program)) return program;
    throw new UserError(`${program} is not a program`, { status: 4, hint: '--set program=PATH names apptainer' });
  }
  const folders = [
    ...(process.env['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/')),
    ...usualFolders,
  ];
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
  if (found !== undefined) return found;
  throw new UserError('neither apptainer nor singularity is installed', {
    status: 4,
    hint: 'install apptainer (or load its module), or name the program: --set program=PATH',
  });
}

/** What it says that it is, as `apptainer 1.4.5`. Throws UserError 4 where it can't be run. */
export async function versionOf(program: string): Promise<string> {
  const { status, stdout, stderr } = await runProcess([program, '--version'], { accept: 'any', timeoutMs: 20_000 });
  const version = /^((?:apptainer|singularity)[\w-]*) version (\S+)/.exec(stdout.toString());
  if (version !== null) return `${version[1]} ${version[2]}`;
  if (status === 0) throw new UserError(`${program} is neither apptainer nor singularity`, { status: 4 });
  const said = stderr.toString().trim().split('\n').at(-1) ?? '';
  throw new UserError(`${program} cannot be run${said === '' ? '' : `: ${said}`}`, { status: 4 });
}

/** Why an image that is one file can't be mounted here; undefined where it can. */
export function missingMounts(): { because: string; hint: string } | undefined {
  if (process.geteuid?.() === 0 && isThere('/dev/loop-control', constants.F_OK)) return undefined;
  if (!isThere('/dev/fuse', constants.R_OK | constants.W_OK)) {
    return {
      because: 'an image of one file is mounted by FUSE, and /dev/fuse is not there or not yours to open',
      hint: 'as root: modprobe fuse; chmod 666 /dev/fuse; or --set format=sandbox, which needs none of it',
    };
  }
  if (['squashfuse_ll', 'squashfuse'].some((name) => searched.some((folder) => isProgram(join(folder, name)))))
    return undefined;
  return {
    because: 'an image of one file is mounted by squashfuse, which is not installed here',
    hint: 'apt-get install squashfuse, or --set format=sandbox, which needs none of it',
  };
}

const searched = [...usualFolders, '/usr/libexec/apptainer/bin', '/usr/lib/x86_64-linux-gnu/apptainer/bin'];

function isProgram(path: string): boolean {
  return isThere(path, constants.X_OK);
}

function isThere(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
