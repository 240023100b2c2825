import { createContextOf, withWork } from '../../flows/create-context.ts';
import { load } from '../../flows/load.ts';
import { madeFrom, verify } from '../../flows/verify.ts';
import { UserError } from '../../model/index.ts';
import { openPlace } from '../../flows/place.ts';
import { verdictLines } from '../render/verdict.ts';
import { houseOf } from '../settings.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Look whether an environment is what its spec says, down to the file.',
  usage: ['verify NAME [SPEC|BUNDLE]', 'verify root:DIR SPEC|BUNDLE', 'verify host SPEC|BUNDLE'],
  operands: [1, 2],
  command: 'none',
  options: [{ flags: '--all', says: 'show every difference', otherwise: 'the ten that matter', matters: true }],
  examples: [
    ['repronim verify study', 'against the spec that it was made from'],
    ['repronim verify root:/srv/chroot repronim.yaml', 'any folder against any spec'],
    ['repronim verify --json study', 'everything, for programs'],
  ],
  async run({ terminal, operands, options }) {
    const house = houseOf(terminal);
    const [word = '', file] = operands;
    await using place = await openPlace(word, house);
    const spec = file === undefined ? place.spec : (await load(file, house)).spec;
    if (spec === undefined) throw new UserError(`${word} was not made from a spec; name one`, { status: 2 });
    const verdict = await withWork(house, async (work) =>
      verify(spec, place.root, {
        distributions: house.distributions,
        context: createContextOf(house, work, false),
        ...(file === undefined ? madeFrom(place.rootfs) : {}),
        ...(place.inPlace === true ? { inPlace: true } : {}),
        ...(place.manifest === undefined ? {} : { manifest: place.manifest }),
      }),
    );
    const { becoming } = (await house.inventory.instances.find(word))?.value ?? {};
    if (becoming !== undefined && file === undefined) {
      terminal.error(`${word} was being turned into something else when that was interrupted: do it again`);
    }
    if (terminal.json) terminal.value(verdict);
    else {
      const lines = verdictLines(verdict, { name: place.label, width: terminal.width, all: options.flag('all') });
      for (const line of lines) terminal.answer(line);
    }
    return verdict.equal ? 0 : 3;
  },
};
