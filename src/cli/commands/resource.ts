import { readFile } from 'node:fs/promises';

import { UserError } from '../../model/index.ts';
import { addResources, deleteResource, examineResource, resourceNamed, resourcesOf } from '../../flows/resource.ts';
import { near } from '../../formats/near.ts';
import { parseProfiles, refuseSecrets, writeProfiles } from '../../formats/profile.ts';
import { writeWhole } from '../../formats/write-whole.ts';
import { refuseToOverwrite } from '../refuse.ts';
import { tableLines } from '../render/table.ts';
import { houseOf, paramsFrom } from '../settings.ts';
import type { Invocation, Verb } from '../verb.ts';
import { mustHave } from './image/one.ts';

const actions: Readonly<Record<string, (invocation: Invocation) => Promise<number>>> = {
  add,
  ls,
  show,
  delete: remove,
  doctor,
  export: exportTo,
  import: importFrom,
};

export const verb: Verb = {
  summary: 'Name places with their settings, for -b: this docker daemon, that cluster over ssh.',
  usage: [
    'resource add NAME --backend BACKEND [--set KEY=VALUE …]',
    'resource ls',
    'resource show NAME',
    'resource delete NAME …',
    'resource doctor [NAME …]',
    'resource export [NAME …] -o FILE',
    'resource import FILE',
  ],
  operands: [1, 64],
  command: 'none',
  options: [
    { flags: '-b, --backend <name>', says: 'of which kind it is', matters: true },
    { flags: '--set <key=value...>', says: 'a parameter of the backend; may be given several times', matters: true },
    { flags: '-o, --output <file>', says: 'where to write it; .json or .toml; - is standard output', matters: true },
    { flags: '-n, --dry-run', says: 'say what would be done', matters: true },
    { flags: '-f, --force', says: 'replace what has that name', matters: true },
  ],
  examples: [
    ['repronim resource add lab --backend docker --set host=ssh://lab', 'then: create study -b lab'],
    ['repronim resource doctor', 'which of them can be used now'],
    ['repronim resource export lab -o lab.toml', 'for others: resource import lab.toml'],
  ],
  async run(invocation) {
    const [word = '', ...operands] = invocation.operands;
    const action = Object.hasOwn(actions, word) ? actions[word] : undefined;
    if (action === undefined) {
      const close = near(word, Object.keys(actions));
      throw new UserError(`resource cannot ${JSON.stringify(word)}`, {
        status: 2,
        hint: `${close === undefined ? '' : `did you mean ${close}? `}known: ${Object.keys(actions).join(', ')}`,
      });
    }
    return await action({ ...invocation, operands });
  },
};

async function add({ terminal, operands, options }: Invocation): Promise<number> {
  const [name] = mustHave(operands, ['NAME'], 'resource add NAME --backend BACKEND [--set KEY=VALUE …]');
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
}

async function ls({ terminal, operands }: Invocation): Promise<number> {
  mustHave(operands, [], 'resource ls');
  const resources = resourcesOf(houseOf(terminal));
  if (terminal.json) terminal.value(resources);
  else if (resources.length === 0) terminal.say('no resources yet: repronim resource add makes one');
  else {
    const rows = resources.map(({ name, backend, set }) => [name, backend, settingsOf(set).join(' ')]);
    for (const line of tableLines([['name', 'backend', 'settings'], ...rows])) terminal.answer(line);
  }
  return 0;
}

async function show({ terminal, operands }: Invocation): Promise<number> {
  const [name] = mustHave(operands, ['NAME'], 'resource show NAME');
  const resource = resourceNamed(name, houseOf(terminal));
  if (terminal.json) terminal.value(resource);
  else terminal.answer(writeProfiles([resource], 'toml').trimEnd());
  return 0;
}

async function remove({ terminal, operands, options }: Invocation): Promise<number> {
  if (operands.length === 0) mustHave(operands, ['NAME'], 'resource delete NAME …');
  const house = houseOf(terminal);
  for (const name of operands) resourceNamed(name, house);
  for (const name of operands) {
    if (options.flag('dryRun')) terminal.answer(`would delete ${name}`);
    else {
      await deleteResource(name, house);
      terminal.say(`deleted ${name}; what was made with it stays`);
    }
  }
  return 0;
}

async function doctor({ terminal, operands }: Invocation): Promise<number> {
  const house = houseOf(terminal);
  const resources = operands.length === 0 ? resourcesOf(house) : operands.map((name) => resourceNamed(name, house));
  const found = await Promise.all(
    resources.map(async (resource) => ({ ...resource, ...(await examineResource(resource, house)) })),
  );
  if (terminal.json) terminal.value(found);
  else {
    const rows = found.map((one) => [
      one.name,
      one.backend,
      one.usable ? 'yes' : 'no',
      one.usable ? one.detail : `${one.because}; ${one.hint}`,
    ]);
    for (const line of tableLines([['resource', 'backend', 'usable?', 'why not, and what to do'], ...rows])) {
      terminal.answer(line);
    }
  }
  return found.every(({ usable }) => usable) ? 0 : 4;
}

async function exportTo({ terminal, operands, options }: Invocation): Promise<number> {
  const house = houseOf(terminal);
  const resources = operands.length === 0 ? resourcesOf(house) : operands.map((name) => resourceNamed(name, house));
  for (const resource of resources) refuseSecrets(resource);
  const file = options.text('output') ?? '-';
  const text = writeProfiles(resources, terminal.json || file.endsWith('.json') ? 'json' : 'toml');
  refuseToOverwrite([file], options);
  if (file === '-') terminal.answer(text.trimEnd());
  else {
    await writeWhole(file, text);
    terminal.say(`wrote ${file}`);
  }
  return 0;
}

async function importFrom({ terminal, operands, options }: Invocation): Promise<number> {
  const [file] = mustHave(operands, ['FILE'], 'resource import FILE');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`${file}: it cannot be read (${error.code ?? 'error'})`, { status: 2 });
  });
  const profiles = parseProfiles(text, file);
  const names = profiles.map(({ name }) => name).join(', ');
  if (options.flag('dryRun')) {
    terminal.answer(`would add ${names}`);
    return 0;
  }
  await addResources(profiles, options.flag('force'), houseOf(terminal));
  if (terminal.json) terminal.value(profiles);
  terminal.say(`added ${names}`);
  return 0;
}

function settingsOf(set: Readonly<Record<string, string>>): string[] {
  return Object.entries(set).map(([key, value]) => `${key}=${value}`);
}
