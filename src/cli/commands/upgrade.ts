import { changeIn, changeOptions } from '../change-in.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Bring packages of a live environment up to date; its spec follows.',
  usage: ['upgrade -r NAME [PACKAGE …]'],
  operands: [0, 1000],
  command: 'none',
  options: changeOptions,
  examples: [
    ['repronim upgrade -n -r study', 'what would move'],
    ['repronim upgrade -r study debian:jq', 'only this, and what it needs'],
    ['repronim upgrade -r study venv:', 'everything of one distribution'],
  ],
  run: async (invocation) => await changeIn('upgrade', invocation),
};
