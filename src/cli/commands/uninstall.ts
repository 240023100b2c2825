import { changeIn, changeOptions } from '../change-in.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Take packages out of a live environment, with what was there for them only; its spec follows.',
  usage: ['uninstall -r NAME PACKAGE …'],
  operands: [1, 1000],
  command: 'none',
  options: changeOptions,
  examples: [['repronim uninstall -r study debian:jq', '']],
  run: async (invocation) => await changeIn('uninstall', invocation),
};
