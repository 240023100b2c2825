import * as v from 'valibot';

import type { Backend, ImageRecord } from '../../contract/index.ts';
import { probeConfinement } from '../../sessions/confined.ts';
import { probeNspawn } from '../../sessions/nspawn.ts';
import { removeHeld } from '../../sessions/remove-held.ts';
import { folders } from './adopt.ts';
import { instanceOf, layInstance, ownNames } from './instance.ts';

const params = v.strictObject({
  /** Who makes the enclosure: `namespaces` (the default), ourselves; `nspawn`, systemd-nspawn, where it is installed. */
  enter: v.optional(v.picklist(['namespaces', 'nspawn'], 'expected namespaces or nspawn')),
});

type ChrootParams = v.InferOutput<typeof params>;

/** Folders of this machine, entered with the kernel's own means: no daemon, no root needed, the default. */
export const chroot: Backend<ChrootParams> = {
  name: 'chroot',
  title: 'folder, entered with namespaces and pivot_root',
  params,

  async probe({ enter }, context) {
    const { confined, bare, overlay } = await probeConfinement(context.store.cache('probes'));
    if (enter === 'nspawn') {
      const hint = 'leave out --set enter=nspawn';
      if (confined.usable && !overlay)
        return { usable: false, because: 'nothing can be laid over a folder here', hint };
      return confined.usable ? await probeNspawn() : { usable: false, because: confined.because, hint: confined.hint };
    }
    if (confined.usable) return { usable: true, detail: confined.detail };
    const { because, hint } = confined;
    return bare ? { usable: false, because, hint, whenTrusted: true } : { usable: false, because, hint };
  },

  /** The tree as it was laid is the image: nothing is copied, and instances only lay over it. */
  async assemble(rootfs): Promise<ImageRecord> {
    return { backend: 'chroot', reference: rootfs.directory, rootfs: rootfs.digest };
  },

  async removeImage() {}, // the rootfs is not ours

  async launch(_image, rootfs, name, confinement, { enter = 'namespaces' }, context) {
    return await layInstance({ name, rootfs: rootfs.directory, confinement, enter, context });
  },

  async attach(record, _params, context) {
    return instanceOf(record.name, record.confinement, record.facts, context);
  },

  adopt: folders,

  async sweep(_record, _params, context) {
    await removeHeld(context.state, ownNames);
  },
};
