import { UserError } from '../../model/index.ts';
import type { Distribution } from '../../contract/index.ts';
import { claim } from './claim.ts';
import { describe } from './describe.ts';
import { check, observe, packages } from './observe.ts';
import { prepare } from './prepare.ts';
import { resolve } from './resolve.ts';
import { svnLockSchema, svnSchema, type SvnLock, type SvnSpec } from './spec.ts';

/** Subversion working copies: the versioned files as they are, with their `.svn`. */
export const svn: Distribution<SvnSpec, SvnLock> = {
  type: 'svn',
  title: 'Subversion',
  schema: svnSchema,
  lockSchema: svnLockSchema,
  claim,
  describe,
  resolve,
  contents(_spec, { tree, rest }) {
    return { kept: [tree, rest].filter((content) => content !== undefined), archived: [] };
  },
  async wanted(spec, { tree, rest }) {
    // it was made while tracing: the store and the bundle, which are looked at first, are the only places
    return [tree, rest].flatMap((content) =>
      content === undefined ? [] : [{ ...content, what: `working copy ${spec.path}`, async *sources() {} }],
    );
  },
  prepare,
  plan(spec, lock, { tree }) {
    if (tree === undefined) return [];
    const changes = spec.changes === undefined ? '' : ` with ${spec.changes} changed paths`;
    const because = `Subversion working copy at r${spec.revision ?? lock.revision ?? 'HEAD'}${changes}`;
    return [{ do: 'unpack', archive: tree, into: spec.path, because }];
  },
  edit(spec, { install = [], uninstall = [], upgrade }) {
    const [odd] = [...install, ...uninstall];
    const [revision, more] = upgrade === undefined || upgrade === true ? [] : upgrade;
    if (odd !== undefined || more !== undefined || (revision !== undefined && !/^r?\d{1,12}$/.test(revision))) {
      throw new UserError(`svn: ${odd ?? more ?? revision} is no revision`, {
        status: 2,
        hint: 'upgrade takes one revision, or none for the newest',
      });
    }
    const { revision: _, changes: __, ...rest } = spec;
    if (upgrade === undefined) return spec;
    return revision === undefined ? rest : { ...rest, revision: revision.replace(/^r/, '') };
  },
  change(from, to) {
    const { tree } = to.made;
    if (tree === undefined || tree.sha256 === from.made.tree?.sha256) return [];
    const because = 'Subversion working copy as it is to be';
    return [
      { do: 'remove', path: from.spec.path, because },
      { do: 'unpack', archive: tree, into: to.spec.path, because },
    ];
  },
  needs: () => [{ program: 'svn', debian: ['subversion'], redhat: ['subversion'] }],
  volatile(spec) {
    return [{ pattern: `${spec.path}/.svn/wc.db`, because: 'svn notes when it last looked at the files' }];
  },
  packages,
  observe,
  check,
};
