import { existsSync } from 'node:fs';

import { UserError, type Argv, type Spec } from '../../../model/index.ts';
import { findImage, specOfImage } from '../../../flows/image/find.ts';
import { shrink } from '../../../flows/image/shrink.ts';
import type { House } from '../../../flows/house.ts';
import { load } from '../../../flows/load.ts';
import { resolve } from '../../../flows/resolve.ts';
import { refuseStale } from '../../../formats/spec/lock.ts';
import { writeSpec } from '../../../formats/spec/write.ts';
import { writeWhole } from '../../../formats/write-whole.ts';
import { shrunkLines } from '../../render/shrink.ts';
import { refuseToOverwrite } from '../../refuse.ts';
import { confinementFrom, houseOf } from '../../settings.ts';
import type { Verb } from '../../verb.ts';

export const verb: Verb = {
  summary: 'Make an image of only those packages that its commands use, proven by running them there.',
  usage: [
    'image shrink SPEC|IMAGE [-o FILE] [-t TAG] [--files] [--run ID]',
    'image shrink SPEC|IMAGE [-o FILE] [-t TAG] -- COMMAND …',
  ],
  operands: [1, 1],
  command: 'allowed',
  options: [
    { flags: '-o, --output <file>', says: 'where its spec goes; - is standard output', matters: true },
    { flags: '-t, --tag <tag...>', says: 'a name for it; may be given several times', matters: true },
    { flags: '--files', says: 'drop unused files, too, not only whole packages', matters: true },
    { flags: '--run <id...>', says: 'for these runs of the spec', otherwise: 'all of them', matters: true },
    { flags: '--network', says: 'let the commands reach the network', matters: true },
    { flags: '-f, --force', says: 'replace another file' },
    { flags: '--trust', says: 'build it also where nothing can be confined' },
  ],
  examples: [
    ['repronim image shrink study:1 -t study:small', 'only the packages that its runs use'],
    ['repronim image shrink --files study.yaml -o small.yaml', 'unused files go, too'],
    ['repronim image shrink study:1 -t small -- ./run', 'for this command'],
  ],
  async run({ terminal, operands, command, options }) {
    const [word = ''] = operands;
    const file = options.text('output');
    refuseToOverwrite(file === undefined ? [] : [file], options);
    const house = houseOf(terminal);
    const spec = await specOf(word, house);
    const done = await shrink(
      {
        spec,
        runs: options.list('run'),
        ...(command === undefined ? {} : { command: command as unknown as Argv }),
        files: options.flag('files'),
        tags: options.list('tag'),
        confinement: confinementFrom(options, false),
      },
      house,
    );
    const text = writeSpec(done.spec, house);
    if (done.equal && file !== undefined && file !== '-') await writeWhole(file, text);
    if (terminal.json) {
      const { image, ...answer } = done;
      terminal.value({
        ...answer,
        ...(image === undefined ? {} : { digest: `sha256:${image.digest}`, tags: image.tags }),
      });
    } else if (done.equal && file === '-') terminal.answer(text.trimEnd());
    for (const line of shrunkLines(done, word)) {
      if (terminal.json || file === '-') terminal.say(line);
      else terminal.answer(line);
    }
    if (done.equal && file !== undefined && file !== '-') terminal.say(`wrote     ${file}`);
    return done.equal ? 0 : 3;
  },
};

async function specOf(word: string, house: House): Promise<Spec> {
  if (existsSync(word) || /\.(ya?ml|repronim)$/.test(word)) {
    const loaded = await load(word, house);
    refuseStale(loaded.spec, loaded);
    return await resolve({ spec: loaded.spec, entries: 'unlocked', renew: [] }, house);
  }
  const spec = await specOfImage(await findImage(word, house), house);
  if (spec !== undefined) return spec;
  throw new UserError(`the image ${word} has no spec: nothing says what is in it`, {
    status: 2,
    hint: 'trace it, and shrink that spec: repronim trace --system --in PLACE -o FILE',
  });
}
