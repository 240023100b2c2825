import { UserError } from '../../../model/index.ts';
import { adoptCommit, buildCommit, commitOpaque, planCommit } from '../../../flows/image/commit.ts';
import { nameOf } from '../../../flows/image/list.ts';
import { writeSpec } from '../../../formats/spec/write.ts';
import { writeWhole } from '../../../formats/write-whole.ts';
import { commitLines, committedLines } from '../../render/commit.ts';
import { refuseToOverwrite } from '../../refuse.ts';
import { houseOf } from '../../settings.ts';
import type { Verb } from '../../verb.ts';

export const verb: Verb = {
  summary: 'Make what was done by hand in an environment its spec, shown first; and build the image of that.',
  usage: ['image commit NAME [-o FILE] [-t TAG]', 'image commit NAME --opaque [-t TAG]'],
  operands: [1, 1],
  command: 'none',
  options: [
    {
      flags: '-o, --output <file>',
      says: 'where the spec goes; - is standard output',
      otherwise: 'it becomes that of NAME',
      matters: true,
    },
    { flags: '-t, --tag <tag...>', says: 'a name for it; may be given several times', matters: true },
    { flags: '-n, --dry-run', says: 'say what would be done, and do nothing', matters: true },
    { flags: '-y, --yes', says: 'do not ask', matters: true },
    { flags: '--opaque', says: 'the tree as it is, without a spec', matters: true },
    { flags: '--include <path...>', says: 'keep this private file all the same' },
    { flags: '--all', says: 'show every difference' },
    { flags: '-f, --force', says: 'replace another file' },
    { flags: '--trust', says: 'build it also where nothing can be confined' },
  ],
  examples: [
    ['repronim image commit -n study', 'what was done there, as changes of the spec'],
    ['repronim image commit study -t study:2', ''],
    ['repronim image commit study -o by-hand.yaml', 'study keeps its own spec'],
  ],
  async run({ terminal, operands, options }) {
    const [name = ''] = operands;
    const [file, dry, all] = [options.text('output'), options.flag('dryRun'), options.flag('all')];
    if (!dry && !options.flag('yes') && !options.flag('opaque') && !terminal.interactive) {
      throw new UserError('nobody can be asked here', {
        status: 2,
        hint: 'look with --dry-run, then do it with --yes',
      });
    }
    const house = houseOf(terminal);
    if (options.flag('opaque')) {
      if (dry) {
        terminal.answer(`would take the tree of ${name} as it is: an image without a spec`);
        return 0;
      }
      const image = await commitOpaque(name, options.list('tag'), house);
      const { digest, tags, from } = image;
      if (terminal.json) terminal.value({ digest: `sha256:${digest}`, tags, from, opaque: true });
      else terminal.answer(`${nameOf(image)}  sha256:${digest}`);
      terminal.say(`          the tree of ${name} as it is: no spec says what is in it`);
      return 0;
    }
    refuseToOverwrite(file === undefined ? [] : [file], options);
    const commit = await planCommit(name, { include: options.list('include'), dry }, house);
    const lines = commitLines(commit, { all, verbose: terminal.verbose });
    if (dry) {
      const { differences, notes, paths, to: spec } = commit;
      if (terminal.json) terminal.value({ name, committed: false, differences, paths, notes, spec });
      else for (const line of lines) terminal.answer(line);
      return 0;
    }
    for (const line of lines) terminal.say(line);
    if (commit.differences.equal) terminal.say(`${name} is what its spec says: the image is that of its spec`);
    else if (!options.flag('yes') && !(await terminal.ask(`make this the spec of ${file ?? name}?`))) return 0;
    const done = await buildCommit(commit, { tags: options.list('tag'), trusted: options.flag('trust') }, house);
    const text = writeSpec(commit.to, house);
    if (file === undefined) await adoptCommit(commit, house);
    else if (file === '-') terminal.answer(text.trimEnd());
    else await writeWhole(file, text);
    if (terminal.json) {
      const { image, left, compared } = done;
      const about = { digest: `sha256:${image.digest}`, tags: image.tags, compared, left };
      terminal.value({ name, committed: true, differences: commit.differences, notes: commit.notes, ...about });
    } else {
      for (const line of committedLines(name, done, all)) {
        if (file === '-') terminal.say(line);
        else terminal.answer(line);
      }
    }
    terminal.say(
      file === undefined ? `          ${name} has this spec now: repronim verify ${name}` : `wrote     ${file}`,
    );
    return done.left.length === 0 ? 0 : 3;
  },
};
