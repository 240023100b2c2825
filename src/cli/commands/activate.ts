import { existsSync } from 'node:fs';
import { basename } from 'node:path';

import { runId, UserError, type EnvironmentChange } from '../../model/index.ts';
import { activationsOf, activeFor, changesOf, environmentOf, type Activations } from '../../flows/activation.ts';
import { attach } from '../../flows/attach.ts';
import { load } from '../../flows/load.ts';
import { luaModulefile, tclModulefile } from '../../formats/modulefile.ts';
import { renderActivation } from '../../formats/render/activate.ts';
import { hallOf } from '../hall-of.ts';
import { houseOf } from '../settings.ts';
import type { Terminal } from '../terminal.ts';
import type { Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Print what a shell sources to use an environment: its variables, and what its distributions need set.',
  usage: ['activate NAME [--with ID …]', 'activate SPEC|BUNDLE [--run ID] [--with ID …]'],
  operands: [1, 1],
  command: 'none',
  options: [
    {
      flags: '--with <id...>',
      says: 'distributions that are switched on, the last one comes first',
      otherwise: 'those of the run; all where the spec has no PATH',
      matters: true,
    },
    { flags: '--run <id>', says: "this run's variables", otherwise: 'the first', matters: true },
    {
      flags: '--shell <form>',
      says: 'for which shell; tcl and lua are modulefiles, for Environment Modules or Lmod, and for Lmod',
      choices: ['sh', 'tcl', 'lua'],
      otherwise: 'sh',
      matters: true,
    },
  ],
  examples: [
    ['repronim activate repronim.yaml > env.sh', 'then: . ./env.sh; repronim_deactivate takes it back'],
    ['repronim activate study --shell tcl > modules/study', 'then: module use modules; module load study'],
    ['repronim activate study --with env', 'only what the distribution env needs, over the variables of study'],
  ],
  async run({ terminal, operands, options }) {
    const [word = ''] = operands;
    const isFile = existsSync(word) || /\.(ya?ml|repronim)$/.test(word);
    const run = options.text('run');
    if (!isFile && run !== undefined) throw new UserError('--run goes with a spec or bundle', { status: 2 });
    const found = isFile ? await ofFile(word, run, terminal) : await ofInstance(word, terminal);
    const given = options.list('with');
    const ids = given.length > 0 ? given : found.active;
    const changes: readonly EnvironmentChange[] = [
      ...Object.entries(found.environment).map(([name, value]) => ({ do: 'set', name, value }) as const),
      ...changesOf(ids, found.activations),
    ];
    if (terminal.json) terminal.value({ with: ids, changes });
    else {
      const about = `${word}${ids.length === 0 ? '' : ` with ${ids.join(', ')}`}`;
      terminal.answer(forms[options.text('shell') ?? 'sh']?.(changes, about, moduleName(word)) ?? '');
    }
    return 0;
  },
};

type Form = (changes: readonly EnvironmentChange[], about: string, name: string) => string;

const forms: Readonly<Record<string, Form>> = {
  sh: renderActivation,
  tcl: (changes, about, name) => tclModulefile({ name, about, changes }).trimEnd(),
  lua: (changes, about, name) => luaModulefile({ name, about, changes }).trimEnd(),
};

/** What a module of it is called where nobody says it: as the environment, or its file without the ending. */
function moduleName(word: string): string {
  const plain = basename(word).replace(/\.(?:ya?ml|repronim)$/, '');
  return plain.replaceAll(/[^\w.+-]+/g, '-') || 'environment';
}

interface Found {
  readonly environment: Readonly<Record<string, string>>;
  readonly activations: Activations;
  readonly active: readonly string[];
}

async function ofFile(file: string, id: string | undefined, terminal: Terminal): Promise<Found> {
  const house = houseOf(terminal);
  const { spec } = await load(file, house);
  const runs = spec.runs ?? [];
  const index = id === undefined ? 0 : runs.findIndex((run, at) => runId(run, at) === id);
  if (index === -1) {
    throw new UserError(`there is no run ${id ?? ''} in ${file}`, {
      status: 2,
      hint: runs.length === 0 ? 'it has none' : `there are: ${runs.map(runId).join(', ')}`,
    });
  }
  const activations = activationsOf(spec, house.distributions);
  const run = runs[index];
  return { environment: environmentOf(spec, run), activations, active: activeFor(spec, run, activations) };
}

async function ofInstance(name: string, terminal: Terminal): Promise<Found> {
  const { record } = await attach(name, hallOf(terminal));
  const { environment, activations = {}, with: active = [] } = record.entered;
  return { environment, activations, active };
}
