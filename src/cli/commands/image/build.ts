import { buildImage } from '../../../flows/image/build.ts';
import { nameOf } from '../../../flows/image/list.ts';
import { load } from '../../../flows/load.ts';
import { previewOf } from '../../../flows/preview.ts';
import { resolve } from '../../../flows/resolve.ts';
import { faultLine } from '../../../formats/spec/fault.ts';
import { refuseStale } from '../../../formats/spec/lock.ts';
import { writeSpec } from '../../../formats/spec/write.ts';
import { planLines } from '../../render/plan.ts';
import { houseOf } from '../../settings.ts';
import type { Verb } from '../../verb.ts';

export const verb: Verb = {
  summary: 'Build the image of a spec: the tree that every backend makes environments from.',
  usage: ['image build [SPEC|BUNDLE] [-t TAG]'],
  operands: [0, 1],
  command: 'none',
  options: [
    { flags: '-t, --tag <tag...>', says: 'a name for it; may be given several times', matters: true },
    { flags: '-n, --dry-run', says: 'say what would be done, and do nothing', matters: true },
    { flags: '--all', says: 'every step of the plan', otherwise: 'a few of many that are alike' },
    { flags: '--trust', says: 'build it also where nothing can be confined', matters: true },
  ],
  examples: [
    ['repronim image build', 'of repronim.yaml'],
    ['repronim image build study.yaml -t study:1', 'then: repronim image export study:1 -o study.oci.tar'],
    ['repronim image build -n study.yaml', 'the plan, with a reason for every step'],
  ],
  async run({ terminal, operands, options }) {
    const house = houseOf(terminal);
    const loaded = await load(operands[0] ?? 'repronim.yaml', house);
    for (const warning of loaded.warnings) terminal.say(`warning: ${faultLine(warning)}`);
    refuseStale(loaded.spec, loaded);
    const spec = await resolve({ spec: loaded.spec, entries: 'unlocked', renew: [] }, house);
    if (options.flag('dryRun')) {
      const plan = previewOf(spec, house);
      if (terminal.json) terminal.value(plan);
      else for (const line of planLines(plan, options.flag('all'))) terminal.answer(line);
      return 0;
    }
    const source = spec === loaded.spec ? loaded.source : await house.store.add(Buffer.from(writeSpec(spec, house)));
    const { image, obtained } = await buildImage(spec, source, options.list('tag'), options.flag('trust'), house);
    if (terminal.json) terminal.value({ digest: `sha256:${image.digest}`, tags: image.tags, obtained });
    else terminal.answer(`${nameOf(image)}  sha256:${image.digest}`);
    if ((image.tags ?? []).length === 0) terminal.say('          no name: repronim prune removes it; -t TAG keeps it');
    return 0;
  },
};
