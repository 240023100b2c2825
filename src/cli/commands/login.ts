import { attach } from '../../flows/attach.ts';
import { execIn } from '../exec-in.ts';
import { hallOf } from '../hall-of.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Open a shell in an environment.',
  usage: ['login NAME'],
  operands: [1, 1],
  command: 'none',
  options: [
    {
      flags: '-w, --directory <dir>',
      says: 'where it starts',
      otherwise: "that of the spec's first run",
      matters: true,
    },
    { flags: '-e, --env <name=value...>', says: 'a variable more' },
    { flags: '-u, --user <uid[:gid]>', says: 'as whom', otherwise: "the user of the spec's first run" },
    { flags: '--with <id...>', says: 'distributions that are active', otherwise: "those of the spec's first run" },
  ],
  examples: [['repronim login study', 'exit leaves it']],
  async run({ terminal, operands, options }) {
    const attached = await attach(operands[0] ?? '', hallOf(terminal));
    terminal.handOver();
    return await execIn(
      attached,
      ['/bin/sh', '-c', 'if [ -x /bin/bash ]; then exec /bin/bash -i; else exec /bin/sh -i; fi'],
      {
        directory: options.text('directory'),
        env: options.list('env'),
        user: options.text('user'),
        with: options.list('with'),
        tty: terminal.interactive,
      },
    );
  },
};
