import { changeIn, changeOptions } from '../change-in.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Put packages into a live environment; its spec follows.',
  usage: ['install -r NAME PACKAGE …'],
  operands: [1, 1000],
  command: 'none',
  options: changeOptions,
  examples: [
    ['repronim install -r study jq', 'of the distribution that can have it'],
    ['repronim install -r study debian:jq venv:nilearn==0.10.4', 'of these'],
    ['repronim install -n -r study jq', 'look first'],
  ],
  run: async (invocation) => await changeIn('install', invocation),
};
