import { Command, CommanderError, Option } from 'commander';

import { UserError } from '../model/index.ts';
import { near } from '../formats/near.ts';
import { helpOf } from './help.ts';
import { reportError } from './report-error.ts';
import { openTerminal } from './terminal.ts';
import type { OptionOf, Options, Verb } from './verb.ts';

/** Options that every verb has. */
const everywhere: readonly OptionOf[] = [
  { flags: '-q, --quiet', says: 'say nothing but the answer and errors' },
  { flags: '-v, --verbose', says: 'say more' },
  { flags: '--json', says: 'the answer as JSON on standard output' },
];

/** Parses the words after a verb, runs it, and turns whatever is thrown into words and an exit status. */
export async function invoke(
  name: string,
  load: () => Promise<{ verb: Verb }>,
  words: readonly string[],
): Promise<number> {
  const { verb } = await load();
  const dashes = words.indexOf('--');
  const before = dashes < 0 ? words : words.slice(0, dashes);
  if (before.includes('--help') || before.includes('-h')) {
    process.stdout.write(helpOf(name, verb, everywhere, before.includes('--all')));
    return 0;
  }
  const owns = dashes >= 0; // the command's streams and status are its own
  const terminal = openTerminal();
  try {
    const { operands, options } = parse(name, verb, before);
    terminal.configure({ quiet: options.flag('quiet'), verbose: options.flag('verbose'), json: options.flag('json') });
    const command = dashes < 0 ? undefined : words.slice(dashes + 1);
    refuse(name, verb, operands, command);
    return await verb.run({ terminal, operands, command, options });
  } catch (error) {
    return reportError(error, terminal, owns && verb.command !== 'none' && name !== 'reproduce');
  } finally {
    terminal.close();
  }
}

export function unknownVerb(name: string, known: readonly string[]): number {
  const close = near(name, known);
  const meant = close === undefined ? '' : `did you mean ${close}? `;
  process.stderr.write(`error: unknown verb "${name}"\nhint:  ${meant}known: ${known.join(', ')}\n`);
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
