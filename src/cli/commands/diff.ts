import { diff } from '../../flows/diff.ts';
import { traceContextOf } from '../../flows/house.ts';
import { openSide } from '../../flows/place.ts';
import { diffLines } from '../render/diff.ts';
import { houseOf } from '../settings.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Compare any two of specs, bundles and places; exit status 3 where they differ.',
  usage: ['diff A B'],
  operands: [2, 2],
  command: 'none',
  options: [
    { flags: '--satisfies', says: 'count only what A has and B lacks', matters: true },
    { flags: '--all', says: 'every difference', matters: true },
  ],
  examples: [
    ['repronim diff old.yaml new.yaml', ''],
    ['repronim diff study host', 'an environment and this machine'],
    ['repronim diff --satisfies repronim.yaml host', 'does this machine have all that a spec asks for?'],
  ],
  async run({ terminal, operands, options }) {
    const house = houseOf(terminal);
    await using a = await openSide(operands[0] ?? '', house);
    await using b = await openSide(operands[1] ?? '', house);
    const found = await diff(a, b, {
      satisfies: options.flag('satisfies'),
      distributions: house.distributions,
      context: traceContextOf(house, { scope: 'used', keep: false, whole: [] }),
    });
    if (terminal.json) terminal.value(found);
    else for (const line of diffLines(found, { all: options.flag('all') })) terminal.answer(line);
    return found.equal ? 0 : 3;
  },
};
