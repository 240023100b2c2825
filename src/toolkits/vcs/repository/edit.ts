import { UserError } from '../../../model/index.ts';
import type { Edit } from '../../../contract/index.ts';
import type { GitSpec } from './spec.ts';

/**
 * `upgrade` forgets the commit, so that it is resolved anew from branch and remote; `upgrade COMMIT` and `upgrade
 * BRANCH` name it. `install PATH` and `uninstall PATH` say which annexed files are to be there.
 */
export function edit(title: string, spec: GitSpec, { install = [], uninstall = [], upgrade }: Edit): GitSpec {
  const words = [...install, ...uninstall];
  if (spec.type === 'git' && words.length > 0) {
    throw new UserError(`${title}: ${words[0]} can't be installed: a work tree has no packages`, {
      status: 2,
      hint: 'upgrade moves it to another commit',
    });
  }
  const get = new Set([...(spec.get ?? []), ...install]);
  for (const path of uninstall) {
    if (!get.delete(path))
      throw new UserError(`${title}: ${path} is not among the files of ${spec.path}`, { status: 2 });
  }
  const { get: _, ...rest } = spec;
  const next: GitSpec = get.size === 0 ? rest : { ...rest, get: [...get].sort() };
  return upgrade === undefined ? next : moved(title, next, upgrade);
}

function moved(title: string, spec: GitSpec, upgrade: true | readonly string[]): GitSpec {
  const [wanted, ...more] = upgrade === true ? [] : upgrade;
  if (more.length > 0)
    throw new UserError(`${title}: one commit or branch at a time, not ${[wanted, ...more].join(', ')}`, { status: 2 });
  const { commit: _, changes: __, submodules: ___, ...rest } = spec;
  if (wanted === undefined || wanted === spec.path) return rest;
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(wanted)) return { ...rest, commit: wanted };
  return { ...rest, branch: wanted };
}
