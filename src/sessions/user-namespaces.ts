import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';

import type { Argv } from '../model/index.ts';
import { enterEnvironment, openParameters } from './enter.ts';
import { findMapping, isInstalled, mapArgv } from './mapped.ts';
import { runProcess } from './process.ts';

/** Why an ordinary user can't have something here, and what the administrator has to do. */
export interface Missing {
  readonly because: string;
  readonly hint: string;
}

/** Why this user has no user namespace here, which everything that needs no root begins with; undefined: they have. */
export async function missingNamespaces(): Promise<Missing | undefined> {
  const mapping = findMapping();
  if (mapping.kind === 'root') return undefined;
  const mapped = mapArgv(mapping, ['/bin/true'] satisfies Argv);
  using parameters = openParameters(mapped.fields);
  const { status } = await runProcess(mapped.argv, {
    env: enterEnvironment,
    cwd: '/',
    accept: 'any',
    descriptors: [parameters.descriptor],
  });
  if (status === 0) return undefined;
  const answer = parameters.answer();
  return explainStep(answer[answer.lastIndexOf('failed') + 1] ?? '') ?? switchedOff();
}

/** The same of a user namespace with the ids of others, too: files of theirs can be laid there as they are. */
export async function missingRange(): Promise<Missing | undefined> {
  return (await missingNamespaces()) ?? (findMapping().kind === 'single' ? missingIds() : undefined);
}

/** The same as `missingNamespaces`, by the step of enter.pl that has failed; undefined for steps that have nothing to do with it. */
export function explainStep(step: string): Missing | undefined {
  if (step === 'subordinate ids') {
    return {
      because: 'newuidmap refuses the ids that /etc/subuid gives you',
      hint: 'as root: chmod u+s /usr/bin/newuidmap /usr/bin/newgidmap',
    };
  }
  return step === 'user namespace' ? switchedOff() : undefined;
}

function switchedOff(): Missing {
  const lines = switches.filter(([file, off]) => read(file)?.trim() === off).map(([, , line]) => `sysctl -w ${line}`);
  return {
    because: 'ordinary users may make no user namespaces here',
    hint: `as root: ${lines.length > 0 ? lines.join('; ') : 'let them (sysctl user.max_user_namespaces; in a container, its seccomp profile)'}`,
  };
}

/** What the kernel's switches have to be, and are not where user namespaces are refused. */
const switches = [
  ['/proc/sys/kernel/unprivileged_userns_clone', '0', 'kernel.unprivileged_userns_clone=1'],
  ['/proc/sys/user/max_user_namespaces', '0', 'user.max_user_namespaces=15000'],
  ['/proc/sys/kernel/apparmor_restrict_unprivileged_userns', '1', 'kernel.apparmor_restrict_unprivileged_userns=0'],
] as const;

/** Why this user has one id only; see subuid(5) and newuidmap(1). */
export function missingIds(): Missing {
  const { username, uid } = userInfo();
  if (!['newuidmap', 'newgidmap'].every(isInstalled)) {
    return { because: 'newuidmap is not installed', hint: 'as root: apt-get install uidmap' };
  }
  const files = ['/etc/subuid', '/etc/subgid'].map((file) => read(file) ?? '');
  const isGiven = files.every((text) => new RegExp(`^(?:${RegExp.escape(username)}|${uid}):`, 'm').test(text));
  const first = freeRange(files.join('\n'));
  const range = `${first}-${first + size - 1}`;
  return {
    because: `${username} has ${isGiven ? `fewer than ${size - 1}` : 'no'} subordinate ids`,
    hint: `as root: usermod --add-subuids ${range} --add-subgids ${range} ${username}`,
  };
}

const size = 65_536;

/** The first number behind all that is given to somebody, as useradd(8) would take it. */
export function freeRange(text: string): number {
  const ends = [...text.matchAll(/^[^:\n]+:(\d{1,10}):(\d{1,10})$/gm)].map(
    (match) => Number(match[1]) + Number(match[2]),
  );
  return Math.max(100_000, ...ends);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined; // a kernel without it, or a machine without that file
  }
}
