import { addedBase, baseReason } from '../../flows/default-base.ts';
import { ownPart } from '../../flows/load/derive.ts';
import type { House } from '../../flows/house.ts';
import { load, type Loaded } from '../../flows/load.ts';
import { resolve } from '../../flows/resolve.ts';
import { exactness } from '../../formats/spec/lock.ts';
import { faultLine } from '../../formats/spec/fault.ts';
import { writeSpec } from '../../formats/spec/write.ts';
import { writeWhole } from '../../formats/write-whole.ts';
import { UserError } from '../../model/index.ts';
import { houseOf } from '../settings.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Make a spec exact: find versions and hashes, and write the lock into the file.',
  usage: ['resolve [SPEC] [-o FILE] [--renew [PACKAGE …]]'],
  operands: [0, 1],
  command: 'none',
  options: [
    { flags: '-o, --output <file>', says: 'write there instead; - is standard output', matters: true },
    { flags: '-n, --dry-run', says: 'say what would change, and write nothing', matters: true },
    { flags: '--renew', says: 'take the newest versions of everything', matters: true },
    { flags: '--renew-package <name...>', says: 'take the newest version of this one', matters: true },
  ],
  examples: [
    ['repronim resolve env.yaml', 'what is locked and still satisfies stays'],
    ['repronim resolve --renew env.yaml', 'newer versions of everything'],
    ['repronim resolve -o - env.yaml', 'look first'],
  ],
  async run({ terminal, operands, options }) {
    const house = houseOf(terminal);
    const file = operands[0] ?? 'repronim.yaml';
    const loaded = await load(file, house);
    for (const warning of loaded.warnings) terminal.say(`warning: ${faultLine(warning)}`);
    refuseLooseBase(loaded, house);
    const renew = options.flag('renew') ? true : options.list('renewPackage');
    const spec = await resolve({ spec: loaded.spec, entries: 'stale', renew }, house);
    const added = addedBase(loaded.spec, spec);
    if (added !== undefined) terminal.say(`base: ${baseReason(added)}`);
    const { derived, document } = loaded;
    const whole = derived === undefined ? spec : ownPart(spec, derived.own, derived.base);
    const text = writeSpec(whole, { distributions: house.distributions, onto: document });
    if (terminal.json) terminal.value(spec);
    const target = options.text('output') ?? file;
    if (target === '-') {
      if (!terminal.json) terminal.answer(text.trimEnd());
      return 0;
    }
    if (loaded.kind === 'bundle' && target === file)
      throw new UserError('a bundle is not rewritten; name a file with -o', { status: 2 });
    if (text === loaded.text && target === file) {
      terminal.say(`${file} is exact already`);
      return 0;
    }
    if (options.flag('dryRun')) {
      terminal.say(`would write ${target}`);
      return 0;
    }
    await writeWhole(target, text);
    terminal.say(`wrote ${target}`);
    return 0;
  },
};

/** What a spec is on top of is locked in a file of its own. */
function refuseLooseBase({ file, derived }: Loaded, { distributions }: House): void {
  if (derived === undefined || exactness(derived.base, distributions) === 'exact') return;
  throw new UserError(`${derived.file}, which ${file} is on top of, is not exact`, {
    status: 2,
    hint: `repronim resolve ${derived.file}`,
  });
}
