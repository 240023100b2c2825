import { existsSync } from 'node:fs';

import { UserError, type DistributionSpec, type Spec } from '../../model/index.ts';
import { create, type Created, type CreateRequest } from '../../flows/create.ts';
import { createGroup, refuseGroup } from '../../flows/group.ts';
import type { House } from '../../flows/house.ts';
import { sourceOfImage } from '../../flows/image/instance.ts';
import { addedBase, baseReason } from '../../flows/default-base.ts';
import { forms, previewInPlace, previewOf, renderTo } from '../../flows/preview.ts';
import { isThere } from '../../flows/backend-of.ts';
import { lacksOf } from '../../flows/lacks.ts';
import { load } from '../../flows/load.ts';
import { resolve } from '../../flows/resolve.ts';
import { refuseStale } from '../../formats/spec/lock.ts';
import { faultLine } from '../../formats/spec/fault.ts';
import { writeSpec } from '../../formats/spec/write.ts';
import { createdLine } from '../render/reproduce.ts';
import { listBackends } from '../list-backends.ts';
import { planLines } from '../render/plan.ts';
import { noteLines } from '../render/trace.ts';
import { inPlaceFrom, inPlaceOptions } from '../in-place.ts';
import { checkName } from '../refuse.ts';
import { backendOptions, confinementFrom, confinementOptions, houseOf, whereFrom } from '../settings.ts';
import type { Terminal } from '../terminal.ts';
import type { Invocation, Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Make an environment from a spec or a bundle.',
  usage: ['create NAME [SPEC|BUNDLE] [-b BACKEND] [--set KEY=VALUE]', 'create --dry-run [SPEC|BUNDLE]'],
  operands: [0, 2],
  command: 'none',
  options: [
    ...backendOptions,
    { flags: '-n, --dry-run', says: 'print the plan, and make nothing', matters: true },
    {
      flags: '--render <form>',
      says: 'write a folder that builds it instead',
      choices: Object.keys(forms),
      matters: true,
    },
    { flags: '-o, --output <dir>', says: 'the folder of --render', matters: true },
    { flags: '--all', says: 'every step of the plan', otherwise: 'a few of many that are alike' },
    { flags: '--template <file>', says: 'a recipe of your own for --render', otherwise: 'that of the settings' },
    ...confinementOptions,
    { flags: '--count <n>', says: 'so many of it: NAME-1, NAME-2 …, as a group NAME' },
    { flags: '--image <image>', says: 'from an image that is there, and no spec' },
    ...inPlaceOptions,
  ],
  examples: [
    ['repronim create study', 'from repronim.yaml'],
    ['repronim create study study.repronim -b docker', 'from a bundle, with docker'],
    ['repronim create --render dockerfile -o image study.yaml', 'a folder for docker build'],
  ],
  async run({ terminal, operands, options }) {
    const house = houseOf(terminal);
    if (listBackends(options, house, terminal)) return 0;
    const only = options.flag('dryRun') || options.text('render') !== undefined;
    const [name, file] = only && operands.length < 2 ? ['', operands[0]] : operands;
    const source = file ?? 'repronim.yaml';
    const { backend, params: given } = whereFrom(options, house);
    const { base: wished, ...params } = given;
    const base = baseOf(wished);
    const common = {
      name: name ?? '',
      backend,
      params,
      confinement: confinementFrom(options, false),
      base,
      inPlace: inPlaceFrom(terminal, options),
    };
    if (!only)
      checkOperand(
        name,
        house.backends.map((backend) => backend.name),
      );
    const tag = options.text('image');
    if (tag !== undefined) {
      if (file !== undefined || only) throw new UserError('--image goes without a spec', { status: 2 });
      return await make({ ...common, ...(await sourceOfImage(tag, house)) }, { terminal, options }, house);
    }
    if (file === undefined && !existsSync(source)) {
      throw new UserError('there is no repronim.yaml here', {
        status: 2,
        hint: `repronim create ${name || 'NAME'} SPEC`,
      });
    }
    const loaded = await load(source, house);
    for (const warning of loaded.warnings) terminal.say(`warning: ${faultLine(warning)}`);
    refuseStale(loaded.spec, loaded);
    const spec: Spec = await resolve({ spec: loaded.spec, entries: 'unlocked', renew: [] }, house);
    const added = addedBase(loaded.spec, spec);
    const exact = spec === loaded.spec ? loaded.source : await house.store.add(Buffer.from(writeSpec(spec, house)));
    if (options.text('render') !== undefined) {
      const folder = options.text('output');
      if (folder === undefined) throw new UserError('--render needs -o DIR', { status: 2 });
      const template = options.text('template');
      await renderTo(
        spec,
        {
          form: options.text('render') as keyof typeof forms,
          folder,
          base,
          trusted: options.flag('trust'),
          ...(template === undefined ? {} : { template }),
        },
        house,
      );
      terminal.say(`wrote ${folder}`);
      return 0;
    }
    if (only) {
      const plan = isThere(backend, params, house) ? previewInPlace(spec, house) : previewOf(spec, house, added);
      if (terminal.json) terminal.value(plan);
      else for (const line of planLines(plan, options.flag('all'))) terminal.answer(line);
      for (const line of noteLines(lacksOf(spec, house.distributions), terminal.verbose)) terminal.say(line);
      return 0;
    }
    return await make({ ...common, spec, source: exact }, { terminal, options }, house, added);
  },
};

/** Makes one, or a group of them, and says so. */
async function make(
  request: CreateRequest,
  { terminal, options }: Pick<Invocation, 'terminal' | 'options'>,
  house: House,
  added?: DistributionSpec,
): Promise<number> {
  const size = countFrom(options.text('count'));
  if (size === undefined) {
    await refuseGroup(request.name, house);
    sayCreated(await create(request, house), request.spec, terminal, added);
  } else sayGroup(request.name, await createGroup(request, size, house), request.spec, terminal);
  return 0;
}

function countFrom(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  if (/^[1-9]\d{0,2}$/.test(word)) return Number(word);
  throw new UserError(`--count ${word}: expected a number from 1 to 999`, { status: 2 });
}

function sayGroup(name: string, created: readonly Created[], spec: Spec | undefined, terminal: Terminal): void {
  if (terminal.json) terminal.value(created.map(answerOf));
  const [first] = created;
  if (first !== undefined) for (const line of createdLine(first, spec)) terminal.say(line);
  for (const line of noteLines(first?.lacks ?? [], terminal.verbose)) terminal.say(`          ${line}`);
  const [one, last] = [created[0]?.name ?? '', created.at(-1)?.name ?? ''];
  terminal.say(`          ${name}: ${created.length === 1 ? one : `${one} to ${last}`}`);
  terminal.say(`          repronim exec --each ${name} -- COMMAND`);
}

function answerOf(created: Created): Omit<Created, 'instance'> {
  const { instance: _, ...answer } = created;
  return answer;
}

function sayCreated(created: Created, spec: Spec | undefined, terminal: Terminal, added?: DistributionSpec): void {
  if (terminal.json) terminal.value(answerOf(created));
  for (const line of createdLine(created, spec)) terminal.say(line);
  for (const line of noteLines(created.lacks, terminal.verbose)) terminal.say(`          ${line}`);
  if (added !== undefined) terminal.say(`          base: ${baseReason(added)}`);
  const verify = spec === undefined ? '' : `repronim verify ${created.name}     `;
  terminal.say(`          ${verify}repronim exec ${created.name} -- COMMAND`);
}

/** `--set base=native`: not the exact tree, but what the distribution publishes. */
function baseOf(wished: string | undefined): 'exact' | 'native' {
  if (wished === undefined || wished === 'exact') return 'exact';
  if (wished === 'native') return 'native';
  throw new UserError(`--set base=${wished}: no such base`, { status: 2, hint: 'known: exact, native' });
}

/** For a place that is there already; whoever sits at a terminal is asked. */
function checkOperand(name: string | undefined, words: readonly string[]): void {
  if (name === undefined)
    throw new UserError('create needs a NAME', { status: 2, hint: 'repronim create NAME [SPEC]' });
  if (existsSync(name)) {
    throw new UserError(`${name} is a file, not a name`, {
      status: 2,
      hint: `did you mean repronim create NAME ${name}?`,
    });
  }
  checkName(name, words);
}
