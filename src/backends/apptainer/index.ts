import { UserError } from '../../model/index.ts';
import type { Backend } from '../../contract/index.ts';
import { probeConfinement } from '../../sessions/confined.ts';
import { removeHeld } from '../../sessions/remove-held.ts';
import { missingNamespaces } from '../../sessions/user-namespaces.ts';
import { assemble, removeImage } from './assemble.ts';
import { instanceOf, layInstance, ownNames } from './instance.ts';
import { apptainerParams, type ApptainerParams } from './params.ts';
import { sifPlace } from './place.ts';
import { findProgram, missingMounts, versionOf } from './program.ts';

/** Containers of Apptainer or Singularity: no daemon, no root needed. What clusters have. */
export const apptainer: Backend<ApptainerParams> = {
  name: 'apptainer',
  title: 'Apptainer or Singularity',
  params: apptainerParams,

  async probe(params, context) {
    try {
      const version = await versionOf(findProgram(params));
      const missing = (await missingNamespaces()) ?? (params.format === 'sif' ? missingMounts() : undefined);
      if (missing !== undefined) return { usable: false, ...missing };
      const { confined } = await probeConfinement(context.store.cache('probes'));
      if (!confined.usable) return { usable: false, because: confined.because, hint: confined.hint };
      const file = missingMounts();
      return {
        usable: true,
        detail: `${version}, ${confined.detail}${file === undefined ? '' : `; no SIF: ${file.because}`}`,
      };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { usable: false, because: error.message, hint: error.hint ?? 'choose another backend: chroot' };
    }
  },

  assemble,
  removeImage,

  async launch(image, rootfs, name, confinement, params, context) {
    const program = findProgram(params);
    return await layInstance({ name, program, image: image.reference, rootfs, confinement, context });
  },

  async attach(record, _params, context) {
    return instanceOf(record.name, record.confinement, record.facts, context);
  },

  async sweep(_record, _params, context) {
    await removeHeld(context.state, ownNames);
  },
  place: sifPlace,
};
