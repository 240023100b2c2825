import { UserError } from '../../model/index.ts';
import { attach } from '../../flows/attach.ts';
import { atOnce, expandGroups } from '../../flows/group/members.ts';
import { execEach } from '../exec-each.ts';
import { execIn } from '../exec-in.ts';
import { hallOf } from '../hall-of.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Run a command in an environment, on your own streams; its exit status is ours.',
  usage: ['exec NAME [--with ID …] -- COMMAND …', 'exec --each GROUP -- COMMAND …'],
  operands: [1, 1],
  command: 'required',
  passesOn: true,
  options: [
    { flags: '-w, --directory <dir>', says: 'where it runs', otherwise: "that of the spec's first run", matters: true },
    { flags: '-e, --env <name=value...>', says: 'a variable more', matters: true },
    { flags: '-u, --user <uid[:gid]>', says: 'as whom', otherwise: "the user of the spec's first run", matters: true },
    { flags: '--each', says: 'in every instance of a group', matters: true },
    { flags: '-j, --jobs <n>', says: '--each: so many at a time', otherwise: String(atOnce) },
    { flags: '--with <id...>', says: 'distributions that are active', otherwise: "those of the spec's first run" },
  ],
  examples: [
    ['repronim exec study -- python3 --version', ''],
    ['repronim exec study -w /tmp -- sh -c "ls > list"', 'a shell is one if you ask for it'],
    ['repronim exec --each study -- hostname', 'in study-1, study-2 …: see create --count'],
    ['tar c data | repronim exec study -- tar t', 'streams are passed on'],
  ],
  async run({ terminal, operands, command, options }) {
    const [program, ...args] = command ?? [];
    if (program === undefined) throw new UserError('no command', { status: 2 });
    const hall = hallOf(terminal);
    const given = {
      directory: options.text('directory'),
      env: options.list('env'),
      user: options.text('user'),
      with: options.list('with'),
      tty: false,
    };
    if (options.flag('each')) {
      const names = await expandGroups(operands, hall);
      const most = jobsFrom(options.text('jobs'));
      return await execEach(names, [program, ...args], { ...given, most }, hall, terminal);
    }
    const attached = await attach(operands[0] ?? '', hall);
    terminal.handOver();
    return await execIn(attached, [program, ...args], given);
  },
};

function jobsFrom(word: string | undefined): number {
  if (word === undefined) return atOnce;
  if (/^[1-9]\d{0,2}$/.test(word)) return Number(word);
  throw new UserError(`--jobs ${word}: expected a number from 1 on`, { status: 2 });
}
