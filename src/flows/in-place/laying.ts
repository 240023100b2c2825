import { createHash } from 'node:crypto';
import { posix } from 'node:path';

import { isSafeAbsolute, UserError, type Step } from '../../model/index.ts';
import type { Store } from '../../contract/index.ts';
import { stepMembers, storedTar, type FileStep } from '../../formats/step-members.ts';
import { tarEnd } from '../../roots/tar-header.ts';
import { readMembers, type Member } from '../../roots/tar-members.ts';

/** A member of what is laid, by the path where it goes. */
export interface Laid extends Omit<Member, 'name'> {
  readonly path: string;
}

/** Everything that steps lay, in order: a later member replaces an earlier one of the same path. */
export async function* layingOf(steps: readonly Step[], store: Store): AsyncGenerator<Laid> {
  for (const group of groupsOf(steps)) {
    const [first] = group;
    const into = first.do === 'unpack' ? first.into : '/';
    const tar =
      first.do === 'unpack'
        ? storedTar(first.archive.sha256, store)
        : filesOf(group as readonly Step[] as readonly FileStep[], store);
    for await (const member of readMembers(tar)) {
      const { name: _, ...rest } = member;
      const path = within(into, member.name);
      if (path === '/') continue;
      const target = member.type === 'hardlink' ? { target: within(into, member.target ?? '') } : {};
      yield { ...rest, ...target, path };
    }
  }
}

/** The sha256 of a member's content, which is read to its end. */
export async function digestOfMember(member: Pick<Member, 'content'>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of member.content()) hash.update(chunk);
  return hash.digest('hex');
}

async function* filesOf(steps: readonly FileStep[], store: Store): AsyncGenerator<Uint8Array> {
  yield* stepMembers(steps, store);
  yield tarEnd;
}

/** Files, folders and links that follow each other are one group. */
function groupsOf(steps: readonly Step[]): readonly (readonly [Step, ...Step[]])[] {
  const groups: [Step, ...Step[]][] = [];
  for (const step of steps) {
    if (step.do !== 'unpack' && !isFileStep(step)) throw new Error(`${step.do} lays nothing`);
    if ('path' in step && !isSafeAbsolute(step.path)) {
      throw new UserError(`unsafe path in a step: ${JSON.stringify(step.path)}`);
    }
    const last = groups.at(-1);
    if (last !== undefined && isFileStep(step) && isFileStep(last[0])) last.push(step);
    else groups.push([step]);
  }
  return groups;
}

function isFileStep(step: Step): step is FileStep {
  return step.do === 'write' || step.do === 'link' || step.do === 'directory';
}

function within(folder: string, name: string): string {
  const path = posix.join(folder, name);
  if (path !== folder && !path.startsWith(folder === '/' ? '/' : `${folder}/`)) {
    throw new UserError(`an archive has a name that leads out of it: ${JSON.stringify(name)}`);
  }
  return path;
}
