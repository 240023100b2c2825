import { fingerprintOf, volatileOf } from '../../flows/fingerprint.ts';
import { openPlace } from '../../flows/place.ts';
import { fingerprintLines } from '../render/fingerprint.ts';
import { houseOf } from '../settings.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Print the fingerprint of a place: a hash over every path, mode, owner and content that is not volatile.',
  usage: ['fingerprint PLACE'],
  operands: [1, 1],
  command: 'none',
  options: [],
  examples: [
    ['repronim fingerprint study', ''],
    ['repronim fingerprint root:/srv/chroot', ''],
    ['repronim fingerprint -v study', 'and what it leaves out, with the reasons'],
  ],
  async run({ terminal, operands }) {
    const house = houseOf(terminal);
    await using place = await openPlace(operands[0] ?? '', house);
    const volatile = volatileOf(place.spec, house.distributions);
    const found = await fingerprintOf(place.root, {
      volatile,
      ...(place.manifest === undefined ? {} : { manifest: place.manifest }),
      signal: terminal.signal,
    });
    if (terminal.json) terminal.value(found);
    else {
      terminal.answer(found.digest);
      if (terminal.verbose) for (const line of fingerprintLines(found, volatile)) terminal.say(line);
      else if (found.owners === 'manifest') terminal.say('owners are those of the manifest: they are not visible here');
    }
    return 0;
  },
};
