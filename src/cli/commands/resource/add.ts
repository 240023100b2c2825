import { UserError } from '../../../model/index.ts';
import { addResources } from '../../../flows/resource.ts';
import { writeProfiles } from '../../../formats/profile.ts';
import { houseOf, paramsFrom } from '../../settings.ts';
import type { Verb } from '../../verb.ts';

export const verb: Verb = {
  summary: 'Name a place with its settings, for -b.',
  usage: ['resource add NAME --backend BACKEND [--set KEY=VALUE …]'],
  operands: [1, 1],
  command: 'none',
  options: [
    { flags: '-b, --backend <name>', says: 'of which kind it is', matters: true },
    { flags: '--set <key=value...>', says: 'a parameter of the backend; may be given several times', matters: true },
    { flags: '-n, --dry-run', says: 'say what would be done, and do nothing', matters: true },
    { flags: '-f, --force', says: 'replace what has that name', matters: true },
  ],
  examples: [
    ['repronim resource add lab --backend docker --set host=ssh://lab', 'then: repronim create study -b lab'],
    ['repronim resource add cluster --backend ssh --set host=cluster', ''],
  ],
  async run({ terminal, operands, options }) {
    const [name = ''] = operands;
    const backend = options.text('backend');
    if (backend === undefined) throw new UserError('--backend is missing', { status: 2, hint: 'of which kind it is' });
    const profile = { name, backend, set: paramsFrom(options) };
    if (options.flag('dryRun')) {
      terminal.answer(writeProfiles([profile], 'toml').trimEnd());
      return 0;
    }
    await addResources([profile], options.flag('force'), houseOf(terminal));
    if (terminal.json) terminal.value(profile);
    terminal.say(`added ${name}: repronim create NAME -b ${name}     repronim resource doctor ${name}`);
    return 0;
  },
};
