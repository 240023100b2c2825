import { existsSync } from 'node:fs';

import { attach } from '../../flows/attach.ts';
import { load, loadStored } from '../../flows/load.ts';
import { exactness } from '../../formats/spec/lock.ts';
import { specLines } from '../render/spec.ts';
import { houseOf } from '../settings.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Show one environment, or what stands in a spec or bundle.',
  usage: ['show NAME', 'show SPEC|BUNDLE'],
  operands: [1, 1],
  command: 'none',
  options: [{ flags: '--all', says: 'every package', matters: true }],
  examples: [
    ['repronim show study', ''],
    ['repronim show study.repronim', 'what a bundle holds, before anything is done with it'],
  ],
  async run({ terminal, operands, options }) {
    const house = houseOf(terminal);
    const [word = ''] = operands;
    if (existsSync(word) || /\.(ya?ml|repronim)$/.test(word)) {
      const { spec, kind } = await load(word, house);
      const exact = exactness(spec, house.distributions);
      if (terminal.json) terminal.value({ kind, exactness: exact, spec });
      else
        for (const line of specLines(spec, { exact, all: options.flag('all'), distributions: house.distributions }))
          terminal.answer(line);
      return 0;
    }
    const attached = await attach(word, house);
    const status = await attached.instance.status();
    const { spec: held } = attached.record;
    const spec = held === undefined ? undefined : await loadStored(word, held, house);
    if (terminal.json) terminal.value({ ...attached.record, status, spec });
    else {
      const { backend, image, confinement } = attached.record;
      terminal.answer(`${word}: ${status}, ${backend}, ${confinement.level}, network ${confinement.network}`);
      terminal.answer(`rootfs ${image.rootfs.slice(0, 12)}, image ${image.reference}`);
      if (attached.record.becoming !== undefined) {
        terminal.answer('it was being turned into something else when that was interrupted: do it again');
      }
      if (spec === undefined) return 0;
      const exact = exactness(spec, house.distributions);
      for (const line of specLines(spec, { exact, all: options.flag('all'), distributions: house.distributions }))
        terminal.answer(line);
    }
    return 0;
  },
};
