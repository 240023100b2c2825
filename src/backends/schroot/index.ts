import type { Backend } from '../../contract/index.ts';
import { probeConfinement } from '../../sessions/confined.ts';
import { runProcess } from '../../sessions/process.ts';
import { readFacts, sessionName } from './facts.ts';
import { assemble, removeImage } from './image.ts';
import { instanceOf, removeAll } from './instance.ts';
import { launch } from './launch.ts';
import { schrootParams, type SchrootParams } from './params.ts';

/** Sessions of schroot, over the one rootfs or unpacked from a tar of it; entered confined, by namespaces of ours. */
export const schroot: Backend<SchrootParams> = {
  name: 'schroot',
  title: 'sessions of schroot',
  params: schrootParams,

  async probe(params, context) {
    const asked = await runProcess(['schroot', '--version'], { cwd: '/', accept: 'any' });
    if (asked.status !== 0) {
      return { usable: false, because: 'schroot is not installed', hint: 'apt-get install schroot' };
    }
    if (process.geteuid?.() !== 0) {
      return {
        usable: false,
        because: 'only root can tell schroot of a chroot',
        hint: 'run repronim as root (sudo), or use the backend chroot, which needs no root',
      };
    }
    const [version = ''] = /[0-9]+(?:\.[0-9]+)+/.exec(asked.stdout.toString()) ?? [];
    if (params.enter === 'schroot') return { usable: true, detail: `${version}, not confined` };
    const { confined, overlay } = await probeConfinement(context.store.cache('probes'));
    if (!confined.usable) return { usable: false, because: confined.because, hint: confined.hint };
    if (!overlay && params.type === 'directory') {
      const because = 'nothing can be laid over a folder here';
      return { usable: false, because, hint: '--set type=file unpacks it instead' };
    }
    return { usable: true, detail: `${version}, ${confined.detail}` };
  },

  assemble,
  removeImage,
  launch,

  async attach({ name, facts, confinement }, { type, enter }, context) {
    // cut short before anything was made: there is nothing of that name
    const nothing = { session: sessionName(name, context.state), rootfs: '/', type, enter };
    return instanceOf(name, confinement, readFacts(facts) ?? nothing, context);
  },

  async sweep({ facts }, _params, context) {
    await removeAll(readFacts(facts), context.state, context.signal);
  },
};
