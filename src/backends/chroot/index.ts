import * as v from 'valibot';

import type { Backend, ImageRecord } from '../../contract/index.ts';
import { probeConfinement } from '../../sessions/confined.ts';
import { removeHeld } from '../../sessions/remove-held.ts';
import { folders } from './adopt.ts';
import { instanceOf, layInstance, ownNames } from './instance.ts';

const params = v.strictObject({});

/** Folders of this machine, entered with the kernel's own means: no daemon, no root needed, the default. */
export const chroot: Backend<Record<string, never>> = {
  name: 'chroot',
  title: 'folder, entered with namespaces and pivot_root',
  params,

  async probe(_params, context) {
    const { confined, bare } = await probeConfinement(context.store.cache('probes'));
    if (confined.usable) return { usable: true, detail: confined.detail };
    const { because, hint } = confined;
    return bare ? { usable: false, because, hint, whenTrusted: true } : { usable: false, because, hint };
  },

  /** The tree as it was laid is the image: nothing is copied, and instances only lay over it. */
  async assemble(rootfs): Promise<ImageRecord> {
    return { backend: 'chroot', reference: rootfs.directory, rootfs: rootfs.digest };
  },

  async removeImage() {}, // the rootfs is not ours

  async launch(_image, rootfs, name, confinement, _params, context) {
    return await layInstance({ name, rootfs: rootfs.directory, confinement, context });
  },

  async attach(record, _params, context) {
    return instanceOf(record.name, record.confinement, record.facts, context);
  },

  adopt: folders,

  async sweep(_record, _params, context) {
    await removeHeld(context.state, ownNames);
  },
};
