import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { UserError, type Argv, type Spec } from '../../model/index.ts';
import { withWork } from '../../flows/create-context.ts';
import { traceContextOf, type House } from '../../flows/house.ts';
import { trace } from '../../flows/trace.ts';
import type { TraceRequest } from '../../flows/trace-request.ts';
import { holdSpec } from '../../flows/held-spec.ts';
import { saveBundle } from '../../flows/save-bundle.ts';
import { writeSpec } from '../../formats/spec/write.ts';
import { writeWhole } from '../../formats/write-whole.ts';
import { openPlace, type Inside, type Place } from '../../flows/place.ts';
import { environmentIn, userIn } from '../exec-in.ts';
import { bundleLine, traceLines } from '../render/trace.ts';
import { refuseToOverwrite } from '../refuse.ts';
import { environmentForCommands, houseOf, ownFiles, ownStreams, runningAs } from '../settings.ts';
import type { Invocation, Options, Verb } from '../verb.ts';

export const verb: Verb = {
  summary: 'Find out what a command runs on, and write it down as a spec.',
  usage: [
    'trace [-o FILE] [--bundle] [--in NAME] -- COMMAND …',
    'trace --add SPEC|BUNDLE -- COMMAND …',
    'trace [-o FILE] [--bundle] --path FILE … [--in PLACE]',
    'trace [-o FILE] [--bundle] --system [--in PLACE]',
  ],
  operands: [0, 0],
  command: 'allowed',
  passesOn: true,
  options: [
    {
      flags: '-o, --output <file>',
      says: 'where the spec goes; - is standard output',
      otherwise: 'repronim.yaml',
      matters: true,
    },
    { flags: '--bundle', says: 'also write what the spec cannot be re-created without', matters: true },
    {
      flags: '--path <file...>',
      says: 'these files instead of a command; - reads names from standard input',
      matters: true,
    },
    { flags: '--system', says: 'the whole machine instead of a command', matters: true },
    { flags: '-f, --force', says: 'replace another spec', matters: true },
    { flags: '--add <file>', says: 'put this run into a spec or bundle that is there' },
    { flags: '--complete', says: 'bundle: every package too, so that nothing needs a network' },
    { flags: '--no-data', says: 'bundle: leave the inputs out' },
    {
      flags: '--in <place>',
      says: 'look there: host, NAME, root:DIR, tar:FILE, oci:DIR, docker:REF',
      otherwise: 'host',
    },
    { flags: '--scope <scope>', says: 'how much is locked', choices: ['used', 'closure', 'all'], otherwise: 'used' },
    { flags: '--stat', says: 'watch also what a command only asks about or lists (slower)' },
    { flags: '--allow-io-uring', says: 'do not turn io_uring off; what goes through it is not seen' },
    { flags: '--input <path...>', says: 'an input, wherever it lies' },
    { flags: '--output-file <path...>', says: 'an output, wherever it lies' },
    { flags: '--include <path...>', says: 'keep this private file all the same' },
    { flags: '--whole <dir...>', says: 'take a folder that was installed by hand whole' },
    { flags: '--env <name...>', says: 'write this variable down, too' },
  ],
  examples: [
    ['repronim trace -- ./run', 'writes repronim.yaml'],
    ['repronim trace --bundle -o study.repronim -- ./run', 'one file to pass on'],
    ['repronim trace --path /usr/bin/git -o -', 'the package that a file belongs to, without running anything'],
    ['repronim trace --in docker:debian:bookworm --system -o -', 'what is in an image, without starting it'],
  ],
  async run({ terminal, command, options }) {
    const house = houseOf(terminal);
    const add = options.text('add');
    const target = options.text('output') ?? add ?? 'repronim.yaml';
    const ways = [command !== undefined, options.list('path').length > 0, options.flag('system')].filter(
      Boolean,
    ).length;
    if (ways !== 1) {
      throw new UserError('one of a command (after --), --path and --system is wanted', {
        status: 2,
        hint: 'repronim trace --help',
      });
    }
    const held = add === undefined ? undefined : await holdSpec(add, house);
    refuseToOverwrite(
      [target, bundleOf(target, options) ?? '-'].filter((file) => file !== add),
      options,
    );
    await using place = await openPlace(options.text('in') ?? 'host', house);
    if (command !== undefined && place.inside === undefined && place.enter === undefined && place.label !== 'host') {
      throw new UserError(`nothing can be run in ${place.label}: it is only looked at`, {
        status: 2,
        hint: 'a command is traced on this machine, in an instance (--in NAME) or in a folder (--in root:DIR)',
      });
    }
    if (command !== undefined) terminal.handOver();
    const scope = options.flag('system') ? 'all' : (options.text('scope') ?? 'used');
    const whole = options.list('whole').map((path) => resolve(path));
    try {
      return await withWork(house, async (work) => {
        const context = traceContextOf(house, { scope: scope as 'used' | 'closure' | 'all', keep: true, whole });
        const inside = command === undefined ? undefined : (place.inside ?? (await place.enter?.(work)));
        await using _entered = inside?.session;
        const request = requestOf({ options, command, house, target, place, inside, terminal });
        const found = await trace({ ...request, also: held?.used ?? [] }, house, context, work);
        const { spec, text } = held?.add(found.spec) ?? { spec: found.spec, text: writeSpec(found.spec, house) };
        const traced = { ...found, spec };
        const written = await write(target, text, traced.spec, options, house);
        if (terminal.json) terminal.value({ ...traced, written });
        else if (target === '-') terminal.answer(text.trimEnd());
        for (const line of traceLines(traced, written, terminal.verbose)) terminal.say(line);
        return traced.status;
      });
    } catch (error) {
      // the command has run, and its trace is lost: that is not its own status
      if (command !== undefined && !(error instanceof UserError && [2, 3, 126, 127].includes(error.status))) {
        throw asOurs(error);
      }
      throw error;
    }
  },
};

function asOurs(error: unknown): unknown {
  if (!(error instanceof UserError)) return error;
  const { hint } = error;
  return new UserError(error.message, { status: 125, details: error.details, ...(hint === undefined ? {} : { hint }) });
}

/** The bundle that is to be written, if any: beside the spec, or alone. */
function bundleOf(target: string, options: Options): string | undefined {
  if (target.endsWith('.repronim')) return target;
  if (!options.flag('bundle') && !options.flag('complete')) return undefined;
  return `${target === '-' ? 'repronim' : target.replace(/\.ya?ml$/, '')}.repronim`;
}

async function write(target: string, text: string, spec: Spec, options: Options, house: House): Promise<string[]> {
  const bundle = bundleOf(target, options);
  const written: string[] = [];
  if (target !== '-' && target !== bundle) {
    await writeWhole(target, text);
    written.push(target);
  }
  if (bundle !== undefined) {
    const saved = await saveBundle(
      bundle,
      text,
      spec,
      { complete: options.flag('complete'), data: !options.flag('noData') },
      house,
    );
    written.push(bundleLine(saved));
  }
  return written;
}

function requestOf(of: {
  options: Options;
  command: readonly string[] | undefined;
  house: House;
  target: string;
  place: Place;
  inside: Inside | undefined;
  terminal: Invocation['terminal'];
}): TraceRequest {
  const { options, command, house, target, place, inside, terminal } = of;
  const root = inside?.session.root ?? place.root;
  const at = inside?.entered.directory ?? (place.label === 'host' ? process.cwd() : '/');
  const list = (name: string) => options.list(name).map((path) => resolve(at, path));
  const common = {
    root,
    inputs: list('input'),
    outputs: list('outputFile'),
    include: list('include'),
    variables: options.list('env'),
    // none of our files are elsewhere
    except:
      place.label === 'host' ? [...ownFiles(house), ...ownStreams(), ...(target === '-' ? [] : [resolve(target)])] : [],
  };
  if (command === undefined) {
    const paths = options.list('path').flatMap((path) => (path === '-' ? namesFromInput() : [path]));
    return { ...common, paths: paths.map((path) => resolve(at, path)), system: options.flag('system') };
  }
  const env = inside === undefined ? environmentForCommands() : environmentIn(inside.entered, { env: [], with: [] });
  return {
    ...common,
    run: {
      command: command as unknown as Argv,
      directory: at,
      env,
      input: () => process.stdin,
      onto: terminal.json || target === '-' ? 2 : 1,
      keepOutput: false,
      stat: options.flag('stat'),
      ...(options.flag('allowIoUring') ? { allowIoUring: true } : {}),
      ...(inside === undefined ? { as: runningAs(env) } : insideOf(inside, env)),
    },
  };
}

/** How it runs in an instance: as `exec` would run it. */
function insideOf({ session, entered }: Inside, env: Readonly<Record<string, string>>) {
  const user = userIn(entered);
  const { uid, gid, groups, umask = 0o022 } = user;
  const as = {
    uid,
    gid,
    ...(groups === undefined ? {} : { groups }),
    umask: umask.toString(8).padStart(4, '0'),
    home: env['HOME'] ?? '/root',
  };
  return { as, inside: { session, user } };
}

function namesFromInput(): string[] {
  const text = readFileSync(0, 'utf8');
  return text.split(text.includes('\0') ? '\0' : '\n').filter((name) => name !== '');
}
