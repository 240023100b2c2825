import { Command, CommanderError, Option } from 'commander';

import { UserError } from '../model/index.ts';
import { near } from '../formats/near.ts';
import { helpOf, helpOfGroup } from './help.ts';
import { reportError } from './report-error.ts';
import { openTerminal } from './terminal.ts';
import type { Group, Load, OptionOf, Options, Verb } from './verb.ts';

/** Options that every verb has. */
const everywhere: readonly OptionOf[] = [
  { flags: '-q, --quiet', says: 'say nothing but the answer and errors' },
  { flags: '-v, --verbose', says: 'say more' },
  { flags: '--json', says: 'the answer as JSON on standard output' },
];

/** Parses the words after a verb, runs it, and turns whatever is thrown into words and an exit status. */
export async function invoke(
  name: string,
  load: Load<{ readonly verb: Verb } | { readonly group: Group }>,
  words: readonly string[],
): Promise<number> {
  const loaded = await load();
  return 'group' in loaded ? await invokeGroup(name, loaded.group, words) : await invokeVerb(name, loaded.verb, words);
}

async function invokeGroup(name: string, group: Group, words: readonly string[]): Promise<number> {
  const given = words[0] === 'help' ? ['--help', ...words.slice(1)] : words;
  const at = given.findIndex((each) => !each.startsWith('-'));
  const word = given[at];
  if (word === undefined) {
    process.stdout.write(helpOfGroup(name, group));
    return given.includes('--help') || given.includes('-h') ? 0 : 2;
  }
  const [, load] = (Object.hasOwn(group.verbs, word) ? group.verbs[word] : undefined) ?? [];
  if (load === undefined) return unknownVerb(word, Object.keys(group.verbs), `${name} `);
  return await invoke(`${name} ${word}`, load, given.toSpliced(at, 1));
}

async function invokeVerb(name: string, verb: Verb, words: readonly string[]): Promise<number> {
  const dashes = words.indexOf('--');
  const before = dashes < 0 ? words : words.slice(0, dashes);
  if (before.includes('--help') || before.includes('-h')) {
    process.stdout.write(helpOf(name, verb, everywhere, before.includes('--all')));
    return 0;
  }
  const terminal = openTerminal();
  try {
    const { operands, options } = parse(name, verb, before);
    terminal.configure({ quiet: options.flag('quiet'), verbose: options.flag('verbose'), json: options.flag('json') });
    const command = dashes < 0 ? undefined : words.slice(dashes + 1);
    refuse(name, verb, operands, command);
    return await verb.run({ terminal, operands, command, options });
  } catch (error) {
    return reportError(error, terminal, dashes >= 0 && verb.passesOn === true);
  } finally {
    terminal.close();
  }
}

/** Says that there is no such verb, after `before`. */
export function unknownVerb(name: string, known: readonly string[], before = ''): number {
  const close = near(name, known);
  const meant = close === undefined ? '' : `did you mean ${before}${close}? `;
  process.stderr.write(`error: unknown verb "${before}${name}"\nhint:  ${meant}known: ${known.join(', ')}\n`);
  return 2;
}

function parse(name: string, verb: Verb, words: readonly string[]): { operands: readonly string[]; options: Options } {
  const parser = new Command(`repronim ${name}`)
    .helpOption(false)
    .argument('[operands...]')
    .allowExcessArguments()
    .exitOverride()
    .configureOutput({ writeErr() {}, writeOut() {} });
  for (const option of [...verb.options, ...everywhere]) parser.addOption(toCommander(option));
  try {
    parser.parse([...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new UserError(error.message.replace(/^error: /, '').replaceAll('\n', ' '), {
      status: 2,
      hint: `repronim ${name} --help`,
    });
  }
  const values = parser.opts<Record<string, unknown>>();
  return {
    operands: parser.args,
    options: {
      flag: (key) => values[key] === true || values[key] === 'true' || values[key] === '1',
      text: (key) => (typeof values[key] === 'string' ? values[key] : undefined),
      list: (key) => (Array.isArray(values[key]) ? values[key].map(String) : []),
    },
  };
}

function toCommander({ flags, says, choices }: OptionOf): Option {
  const option = new Option(flags, says);
  if (choices !== undefined) option.choices(choices);
  if (option.variadic) {
    // one value each time it is given: operands may follow it
    option.variadic = false;
    option.argParser((value: string, earlier: readonly string[] | undefined) => [...(earlier ?? []), value]);
  }
  return option.env(`REPRONIM_${option.name().toUpperCase().replaceAll('-', '_')}`);
}

function refuse(name: string, verb: Verb, operands: readonly string[], command: readonly string[] | undefined): void {
  const hint = `usage: repronim ${verb.usage[0] ?? name}`;
  const [least, most] = verb.operands;
  if (command !== undefined && verb.command === 'none')
    throw new UserError(`${name} takes no command`, { status: 2, hint });
  if (command?.length === 0) throw new UserError('no command after --', { status: 2, hint });
  if (command === undefined && verb.command === 'required') {
    throw new UserError(`no command: it stands after --`, { status: 2, hint });
  }
  if (operands.length < least)
    throw new UserError(`${name} needs ${least === 1 ? 'an operand' : `${least} operands`}`, { status: 2, hint });
  if (operands.length > most) {
    throw new UserError(`${name} does not know what to do with "${operands[most] ?? ''}"`, { status: 2, hint });
  }
}
