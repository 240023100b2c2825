import { UserError } from '../../model/index.ts';
import { adopt } from '../../flows/adopt.ts';
import { withWork } from '../../flows/create-context.ts';
import { refuseGroup } from '../../flows/group.ts';
import { traceContextOf, type House } from '../../flows/house.ts';
import { load } from '../../flows/load.ts';
import { openPlace } from '../../flows/place.ts';
import { trace } from '../../flows/trace.ts';
import { writeSpec } from '../../formats/spec/write.ts';
import { writeWhole } from '../../formats/write-whole.ts';
import { checkName, refuseToOverwrite } from '../refuse.ts';
import { traceLines } from '../render/trace.ts';
import { confinementFrom, confinementOptions, houseOf, ownFiles, paramsFrom } from '../settings.ts';
import type { Terminal } from '../terminal.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Take in what somebody else has made, under a name: a container, an image, a folder, this machine.',
  usage: ['attach NAME PLACE [--spec FILE]', 'attach NAME PLACE --trace [-o FILE]'],
  operands: [2, 2],
  command: 'none',
  options: [
    { flags: '--spec <file>', says: 'the spec that it is said to be of', otherwise: 'none', matters: true },
    { flags: '--trace', says: 'find out what it is, and make that its spec', matters: true },
    { flags: '-o, --output <file>', says: '--trace: where the spec goes, too', matters: true },
    { flags: '--writable', says: 'of a folder: what runs in it may change it', matters: true },
    { flags: '--set <key=value...>', says: 'a parameter of its backend' },
    { flags: '-f, --force', says: 'replace another file' },
    ...confinementOptions,
  ],
  examples: [
    ['repronim attach theirs docker:a1b2c3 --trace', 'then: verify theirs, exec theirs -- COMMAND'],
    ['repronim attach old root:/srv/chroot --spec repronim.yaml', 'then: verify old'],
    ['repronim delete theirs', 'forgets the name; the container stays'],
  ],
  async run({ terminal, operands, options }) {
    const house = houseOf(terminal);
    const [name = '', place = ''] = operands;
    checkName(
      name,
      house.backends.map((backend) => backend.name),
    );
    const [named, file, traces] = [options.text('spec'), options.text('output'), options.flag('trace')];
    if (named !== undefined && traces) throw new UserError('one of --spec and --trace is wanted', { status: 2 });
    if (file !== undefined && !traces) throw new UserError('-o goes with --trace', { status: 2 });
    refuseToOverwrite(file === undefined ? [] : [file], options);
    await refuseGroup(name, house);
    if ((await house.inventory.instances.find(name)) !== undefined) {
      throw new UserError(`there is an instance ${name} already`, { hint: `repronim delete ${name}, or another name` });
    }
    const params = paramsFrom(options);
    const spec = traces
      ? await describe(place, params, file, terminal, house)
      : named === undefined
        ? undefined
        : await load(named, house);
    const value = await adopt(
      {
        name,
        place,
        ...(spec === undefined ? {} : { spec }),
        params,
        confinement: confinementFrom(options, false),
        writable: options.flag('writable'),
      },
      house,
    );
    if (terminal.json) terminal.value(value);
    const enters = Object.keys(value.facts).length > 0;
    const ways = [
      ...(value.spec === undefined ? [] : [`repronim verify ${name}`]),
      ...(enters ? [`repronim exec ${name} -- COMMAND`] : [`repronim trace --in ${name} --system`]),
    ];
    terminal.say(`${name} is ${value.adopted?.place ?? place}${enters ? '' : ', to be looked at'}`);
    terminal.say(`          ${ways.join('     ')}`);
    return 0;
  },
};

/** What is there, whole, as a spec. */
async function describe(
  word: string,
  params: Readonly<Record<string, unknown>>,
  file: string | undefined,
  terminal: Terminal,
  house: House,
) {
  await using place = await openPlace(word, house, params);
  const except = place.label === 'host' ? ownFiles(house) : [];
  const context = traceContextOf(house, { scope: 'all', keep: true, whole: [] });
  const traced = await withWork(
    house,
    async (work) => await trace({ root: place.root, system: true, except }, house, context, work),
  );
  const text = writeSpec(traced.spec, house);
  if (file === '-') terminal.answer(text.trimEnd());
  else if (file !== undefined) await writeWhole(file, text);
  const written = file === undefined || file === '-' ? [] : [file];
  for (const line of traceLines(traced, written, terminal.verbose)) terminal.say(line);
  return { spec: traced.spec, source: await house.store.add(Buffer.from(text)) };
}
