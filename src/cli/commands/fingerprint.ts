import { fingerprintOf, volatileOf } from '../../flows/fingerprint.ts';
import { findElsewhere } from '../../flows/fingerprint/elsewhere.ts';
import { openPlace } from '../../flows/place.ts';
import { elsewhereLine, fingerprintLines } from '../render/fingerprint.ts';
import { houseOf, ownFiles } from '../settings.ts';
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
    ['repronim fingerprint oci:image', 'or tar:FILE, docker:REF: layers as an engine lays them'],
    ['repronim fingerprint -v study', 'and what it leaves out, with the reasons'],
  ],
  async run({ terminal, operands }) {
    const house = houseOf(terminal);
    await using place = await openPlace(operands[0] ?? '', house);
    const volatile = volatileOf(place.spec, house.distributions);
    const elsewhere = place.label === 'host' ? findElsewhere() : [];
    const found = await fingerprintOf(place.root, {
      volatile,
      ...(place.manifest === undefined ? {} : { manifest: place.manifest }),
      signal: terminal.signal,
      except: [...elsewhere.map(({ path }) => path), ...(place.label === 'host' ? ownFiles(house) : [])],
      onProgress: terminal.onProgress,
    });
    if (terminal.json) terminal.value(found);
    else {
      terminal.answer(found.digest);
      if (elsewhere.length > 0) terminal.say(elsewhereLine(elsewhere, terminal.verbose));
      if (terminal.verbose) for (const line of fingerprintLines(found, volatile)) terminal.say(line);
      else if (found.owners === 'manifest') terminal.say('owners are those of the manifest: they are not visible here');
    }
    return 0;
  },
};
