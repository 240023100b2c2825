import type { Distribution } from '../../contract/index.ts';
import { localRoot } from '../../roots/local.ts';
import { withoutFiles } from '../trees/package-changes.ts';
import { asBase } from './as-base.ts';
import { bootstrap } from './lay/bootstrap.ts';
import { plan } from './lay/plan.ts';
import { wanted } from './lay/wanted.ts';
import { readAttribution } from './read/attribution.ts';
import { check } from './read/check.ts';
import { describe } from './read/describe.ts';
import { contents, observe, packages, volatile } from './read/packages.ts';
import { isRedhat } from './read/release.ts';
import { change } from './solve/change.ts';
import { edit } from './solve/edit.ts';
import { resolve } from './solve/resolve.ts';
import { trust } from './solve/trust.ts';
import { lockedKeys, rpmLockSchema, rpmSpecSchema, type RpmLock, type RpmSpec } from './spec.ts';

/** A distribution of rpm packages with yum or dnf. */
export function rpmDistribution({
  type,
  title,
}: {
  readonly type: string;
  /** As a person reads it. */
  readonly title: string;
}): Distribution<RpmSpec, RpmLock> {
  return {
    type,
    title,
    schema: rpmSpecSchema(type),
    lockSchema: rpmLockSchema,
    async claim(paths, root) {
      if (!(await isRedhat(root))) return new Map();
      const attribution = await readAttribution(root);
      return new Map(
        paths.flatMap((path) => {
          const owners = attribution.ownersOf(path);
          return owners === undefined ? [] : [[path, owners] as const];
        }),
      );
    },
    describe: (owned, root, context) => describe(type, title, owned, root, context),
    resolve,
    async asBase(needs, context) {
      await using machine = localRoot('/');
      return await asBase(type, needs, context, machine);
    },
    edit,
    omit: (lock, files) => withoutFiles(lock, new Set(lockedKeys(lock.packages)), files),
    change,
    trust,
    contents: (_, lock) => contents(lock),
    wanted,
    bootstrap,
    plan,
    volatile: () => volatile,
    packages,
    async observe(_, root) {
      return (await isRedhat(root)) ? observe(root) : { packages: [] };
    },
    check(spec, lock, root, context) {
      const planned = new Set(plan(spec, lock).flatMap((step) => ('path' in step ? [step.path] : [])));
      return check(lock, root, planned, context);
    },
  };
}
