import type { Distribution } from '../../contract/index.ts';
import { withoutFiles } from '../trees/package-changes.ts';
import { asBase } from './as-base.ts';
import { change } from './change/change.ts';
import { edit } from './change/edit.ts';
import { changedLists } from './change/lists.ts';
import { bootstrap } from './lay/bootstrap.ts';
import { plan } from './lay/plan.ts';
import { wanted } from './lay/wanted.ts';
import { claim } from './read/claim.ts';
import { check } from './read/check.ts';
import { describe } from './read/describe.ts';
import { contents, observe, packages, volatile } from './read/packages.ts';
import { isOf } from './read/release-file.ts';
import { resolve } from './solve/resolve.ts';
import { trust } from './solve/trust.ts';
import { aptLockSchema, aptSpecSchema, packageKey, type AptLock, type AptNaming, type AptSpec } from './spec.ts';

/** What sets one distribution on this toolkit apart from another. */
export interface AptSettings extends AptNaming {
  /** As a person reads it: `Debian`. */
  readonly title: string;
  /** Every type on this toolkit that a relative may be of instead: the nearest in os-release's ID_LIKE counts. */
  readonly relatives: readonly string[];
  /** The newest release that is meant for everybody. */
  readonly stable: string;
}

type Reading = Pick<
  Distribution<AptSpec, AptLock>,
  'type' | 'title' | 'schema' | 'lockSchema' | 'claim' | 'describe' | 'contents' | 'volatile' | 'packages' | 'observe'
>;

/** The half of a Debian-like distribution that looks at what is there. */
function aptReading(settings: AptSettings): Reading {
  const { type, title, relatives } = settings;
  return {
    type,
    title,
    schema: aptSpecSchema(settings),
    lockSchema: aptLockSchema,
    async claim(paths, root) {
      return (await isOf(root, type, relatives)) ? claim(paths, root) : new Map();
    },
    describe: (owned, root, context) => describe(type, title, owned, root, context),
    contents: (_, lock) => contents(lock),
    volatile: () => volatile,
    packages,
    async observe(_, root) {
      return (await isOf(root, type, relatives)) ? observe(root) : { packages: [] };
    },
  };
}

/** A Debian-like distribution, whole. */
export function aptDistribution(settings: AptSettings): Distribution<AptSpec, AptLock> {
  return {
    ...aptReading(settings),
    resolve,
    asBase: (needs) => asBase(settings, needs),
    trust,
    wanted,
    bootstrap,
    plan,
    edit,
    omit: (lock, files) => withoutFiles(lock, new Set(lock.packages.map(packageKey)), files),
    prepareChange: async (_, to, context) => ({ made: await changedLists(to.lock, context) }),
    change,
    check(spec, lock, root, context) {
      const planned = new Set(this.plan(spec, lock, {}).flatMap((step) => ('path' in step ? [step.path] : [])));
      return check(lock, root, planned, context);
    },
  };
}
