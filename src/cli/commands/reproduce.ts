import { basename, resolve } from 'node:path';

import { UserError, type Argv } from '../../model/index.ts';
import { reproduceCommand, reproduceFile, type Reproduction, type ReproduceOptions } from '../../flows/reproduce.ts';
import { saveBundle } from '../../flows/save-bundle.ts';
import { load } from '../../flows/load.ts';
import { faultLine } from '../../formats/spec/fault.ts';
import { writeSpec } from '../../formats/spec/write.ts';
import { writeWhole } from '../../formats/write-whole.ts';
import { localRoot } from '../../roots/local.ts';
import { endLines, stageLines } from '../render/reproduce.ts';
import { bundleLine } from '../render/trace.ts';
import { listBackends } from '../list-backends.ts';
import { checkName, refuseToOverwrite } from '../refuse.ts';
import {
  backendOptions,
  confinementFrom,
  confinementOptions,
  environmentForCommands,
  houseOf,
  ownFiles,
  ownStreams,
  runningAs,
  whereFrom,
} from '../settings.ts';
import type { House } from '../../flows/house.ts';
import type { Options, Verb } from '../verb.ts';
import type { Terminal } from '../terminal.ts';

export const verb: Verb = {
  summary:
    'Trace a command, build its environment again, prove it equal, and run it there; or do so with a file from elsewhere.',
  usage: ['reproduce [-b BACKEND] [-o FILE] -- COMMAND …', 'reproduce [-b BACKEND] SPEC|BUNDLE'],
  operands: [0, 1],
  command: 'allowed',
  options: [
    ...backendOptions,
    { flags: '-o, --output <file>', says: 'keep the spec, or the bundle if the name ends in .repronim', matters: true },
    { flags: '--name <name>', says: 'what the environment is called', otherwise: '<folder>-<4 digits>', matters: true },
    { flags: '--rm', says: 'remove the environment afterwards', matters: true },
    { flags: '--stat', says: 'watch also what the command only asks about or lists (slower)', matters: true },
    { flags: '--run <id...>', says: 'of a file: only this run', otherwise: 'all, in order' },
    ...confinementOptions,
    { flags: '--input <path...>', says: 'an input, wherever it lies' },
    { flags: '--output-file <path...>', says: 'an output, wherever it lies' },
    { flags: '--include <path...>', says: 'keep this private file all the same' },
    { flags: '--whole <dir...>', says: 'take a folder that was installed by hand whole' },
    { flags: '--env <name...>', says: 'write this variable down, too' },
    { flags: '--complete', says: 'bundle: every package too' },
    { flags: '-f, --force', says: 'replace the file of -o' },
  ],
  examples: [
    ['repronim reproduce -- ./run', 'does it run the same in a fresh environment?'],
    ['repronim reproduce study.repronim', 'the same for a file that came from elsewhere, confined'],
    ['repronim reproduce -b docker -o study.repronim -- make all', 'with docker, and keep a bundle'],
  ],
  async run({ terminal, operands, command, options }) {
    const house = houseOf(terminal);
    if (listBackends(options, house, terminal)) return 0;
    const [file] = operands;
    if ((file === undefined) === (command === undefined)) {
      throw new UserError('either a command (after --) or a spec is wanted', {
        status: 2,
        hint: 'repronim reproduce --help',
      });
    }
    if (command !== undefined && options.list('run').length > 0) {
      throw new UserError('--run goes with a spec or bundle', { status: 2 });
    }
    const [name, kept] = [options.text('name'), options.text('output')];
    if (name !== undefined) {
      checkName(
        name,
        house.backends.map((backend) => backend.name),
      );
    }
    refuseToOverwrite(kept === undefined ? [] : [kept], options);
    const request: ReproduceOptions = {
      ...whereFrom(options, house),
      ...(name === undefined ? {} : { name }),
      folder: command === undefined ? basename(file ?? '').replace(/\.(ya?ml|repronim)$/, '') : process.cwd(),
      confinement: confinementFrom(options, command !== undefined),
      runs: options.list('run'),
      remove: options.flag('rm'),
      onStage: (stage) => {
        for (const line of stageLines(stage, terminal.verbose)) terminal.say(line);
      },
    };
    const answer =
      command === undefined
        ? await fromFile(file ?? '', request, house, terminal)
        : await fromCommand(command, request, options, house);
    if (kept !== undefined) await keep(answer, options, house, terminal);
    if (terminal.json) terminal.value(answer);
    else for (const line of endLines(answer, { rm: options.flag('rm'), command, kept })) terminal.answer(line);
    return answer.outcome === 'reproduced' ? 0 : 3;
  },
};

async function fromFile(
  file: string,
  request: ReproduceOptions,
  house: House,
  terminal: Terminal,
): Promise<Reproduction> {
  const loaded = await load(file, house);
  for (const warning of loaded.warnings) terminal.say(`warning: ${faultLine(warning)}`);
  return await reproduceFile(loaded, request, house);
}

async function fromCommand(
  command: readonly string[],
  request: ReproduceOptions,
  options: Options,
  house: House,
): Promise<Reproduction> {
  const env = environmentForCommands();
  const list = (name: string) => options.list(name).map((path) => resolve(path));
  const output = options.text('output');
  return await reproduceCommand(
    {
      root: localRoot(),
      run: {
        command: command as unknown as Argv,
        directory: process.cwd(),
        env,
        input: () => process.stdin,
        onto: 2,
        keepOutput: true,
        stat: options.flag('stat'),
        as: runningAs(env),
      },
      inputs: list('input'),
      outputs: list('outputFile'),
      include: list('include'),
      variables: options.list('env'),
      except: [...ownFiles(house), ...ownStreams(), ...(output === undefined ? [] : [resolve(output)])],
    },
    { ...request, scope: 'used', keep: true, whole: list('whole') },
    house,
  );
}

async function keep(answer: Reproduction, options: Options, house: House, terminal: Terminal): Promise<void> {
  const file = options.text('output') ?? '';
  const text = writeSpec(answer.spec, { distributions: house.distributions });
  if (file === '-') return terminal.answer(text.trimEnd());
  if (!file.endsWith('.repronim')) return await writeWhole(file, text);
  const saved = await saveBundle(file, text, answer.spec, { complete: options.flag('complete'), data: true }, house);
  terminal.say(`wrote     ${bundleLine(saved)}`);
}
