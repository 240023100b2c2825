import * as v from 'valibot';

import type { Backend } from '../../contract/index.ts';
import { findPerl, isKnownMachine } from '../../sessions/enter.ts';
import { localSession } from '../../sessions/local.ts';
import { markPlace, placeInstance, unmarkPlace } from '../../sessions/place-instance.ts';

const params = v.strictObject({});

/** The machine that we sit at: nothing is booted and nothing is confined; what a spec lays over its base is laid here. */
export const native: Backend<Record<string, never>> = {
  name: 'native',
  title: 'this machine itself: what is laid over the system is laid here',
  params,

  async probe() {
    if (!isKnownMachine() || process.platform !== 'linux') {
      const hint = 'choose another backend: ssh to a Linux machine';
      return { usable: false, because: `programs cannot be run on ${process.platform} ${process.arch} yet`, hint };
    }
    if (findPerl() === undefined) return { usable: false, because: 'there is no perl', hint: 'install perl-base' };
    const as = process.geteuid?.() === 0 ? 'as root' : 'as you: packages of the system cannot be changed';
    return { usable: true, detail: `${as}; not confined` };
  },

  async open(_params, context) {
    markPlace(context);
    return localSession('this machine');
  },

  /** The machine is its own image. */
  async assemble(rootfs) {
    return { backend: 'native', reference: '/', rootfs: rootfs.digest };
  },

  async removeImage() {}, // nothing was made

  async launch(_image, _rootfs, name, _confinement, _params, context) {
    await context.record({});
    markPlace(context);
    return placeInstance(name, context, async () => localSession(name));
  },

  async attach(record, _params, context) {
    return placeInstance(record.name, context, async () => localSession(record.name));
  },

  async sweep(_record, _params, context) {
    await unmarkPlace(context);
  },
};
