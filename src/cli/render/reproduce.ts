import { displayArgv } from '../../sessions/process.ts';
import type { Created } from '../../flows/create.ts';
import type { Replay } from '../../flows/replay.ts';
import type { Reproduction, Stage } from '../../flows/reproduce.ts';
import { distributionId, type DistributionSpec, type Spec } from '../../model/index.ts';
import { count, duration, plural } from './numbers.ts';
import { noteLines, sentence } from './trace.ts';
import { verdictDetails, verdictSentence } from './verdict.ts';

const width = 88;

/** The lines of one stage, as soon as it is done. */
export function stageLines(stage: Stage, verbose: boolean): string[] {
  switch (stage.stage) {
    case 'traced': {
      const { traced } = stage;
      return [
        timed('trace', displayArgv(stage.command), traced.summary.milliseconds),
        indent(sentence(traced)),
        ...noteLines(traced.summary.notes, verbose).map(indent),
      ];
    }
    case 'trusted': {
      const { packages, byMachine, byBundle, byNobody, because } = stage.trust;
      const why = because === undefined ? '' : ` (${because})`;
      const parts = [
        `${count(byMachine)} vouched for by archives that this machine trusts`,
        ...(byBundle > 0 ? [`${count(byBundle)} by a key in the bundle`] : []),
        ...(byNobody.length > 0 ? [`${count(byNobody.length)} by nobody${why}`] : []),
      ];
      const { level, network, mounts } = stage.confinement;
      const reach = [
        network === 'none' ? 'no network' : 'your network',
        mounts.length === 0 ? 'none of your files' : `of your files ${mounts.map(({ source }) => source).join(', ')}`,
      ];
      return [
        `trust     ${plural(packages, 'package')}: ${parts.join(', ')}`,
        indent(
          level === 'confined'
            ? `runs confined: ${reach.join(', ')}`
            : 'runs as one of your own programs where it cannot be confined: you said --trust',
        ),
        ...noteLines(stage.lacks, verbose).map(indent),
      ];
    }
    case 'created':
      return createdLine(stage.created, stage.spec);
    case 'verified':
      return [
        timed('verify', verdictSentence(stage.verdict), stage.milliseconds),
        ...verdictDetails(stage.verdict).map(indent),
      ];
    case 'replayed':
      return replayLines(stage.replay);
  }
}

/** `create    chroot from 131 packages: 118 stored, 9 from the pool, 4 repacked     8.4 s`. */
export function createdLine(created: Created, spec: Spec | undefined): string[] {
  if (spec === undefined) return [timed('create', `${created.backend} from an image`, created.milliseconds)];
  const packages = Object.values(spec.lock?.distributions ?? {}).flatMap((lock) => {
    const listed = (lock as { packages?: readonly { repacked?: boolean }[] }).packages;
    return listed ?? [];
  });
  const repacked = packages.filter((one) => one.repacked === true).length;
  const fetched = Object.entries(created.obtained?.from ?? {}).filter(([kind]) => kind !== 'stored');
  const stored = packages.length - repacked - fetched.reduce((sum, [, number]) => sum + number, 0);
  const sources =
    created.obtained === undefined
      ? ['built already']
      : [
          ...(stored > 0 ? [`${count(stored)} stored`] : []),
          ...fetched.map(([kind, number]) => `${count(number)} from ${the(kind)}`),
          ...(repacked > 0 ? [`${count(repacked)} repacked`] : []),
        ];
  const others = [
    ...Map.groupBy(
      spec.distributions.filter((entry) => !isCollection(entry, spec)),
      ({ type }) => type,
    ),
  ].map(([type, entries]) => `${entries.length} ${type}`);
  const refused = created.obtained?.refused ?? [];
  if (created.inPlace !== undefined) return [timed('create', inPlaceSentence(created), created.milliseconds)];
  return [
    timed(
      'create',
      `${created.backend} from ${[plural(packages.length, 'package'), ...others].join(', ')}: ${sources.join(', ')}`,
      created.milliseconds,
    ),
    ...refused.map(({ what, label, got }) =>
      indent(`refused: ${what} of ${label} has other content (sha256 ${got.slice(0, 12)}…)`),
    ),
  ];
}

/** `native: 812 paths made, 3 there already`. */
function inPlaceSentence({ backend, inPlace }: Created): string {
  const { made = 0, same = 0, replaced = 0, system = 0 } = inPlace ?? {};
  const parts = [
    `${count(made)} paths made`,
    ...(same > 0 ? [`${count(same)} there already`] : []),
    ...(replaced > 0 ? [`${count(replaced)} replaced`] : []),
    ...(system > 0 ? [`${plural(system, 'package')} of the system installed`] : []),
  ];
  return `${backend}: ${parts.join(', ')}`;
}

/** Whether it is made of packages, and not one thing (a work tree, a prefix). */
function isCollection(entry: DistributionSpec, spec: Spec): boolean {
  return 'packages' in (spec.lock?.distributions?.[distributionId(entry)] ?? {});
}

function the(kind: string): string {
  if (kind === 'apt') return "apt's cache";
  return /^(pool|mirror|snapshot|bundle)$/.test(kind) ? `the ${kind}` : kind;
}

function replayLines(replay: Replay): string[] {
  const { was, is } = replay.status;
  const status = was === is ? `exit ${is}, as before` : `exit ${is}, not ${was} as before`;
  const equal = replay.outputs.filter(({ result }) => result === 'equal').length;
  const differing = replay.outputs.filter(({ result }) => result !== 'equal');
  const parts = [
    status,
    replay.outputs.length > 0
      ? `${plural(replay.outputs.length, 'output')}, ${count(equal)} equal`
      : 'no output to compare',
  ];
  const words = { differs: 'differs', missing: 'missing', unwritten: 'not written again', equal: 'equal' } as const;
  for (const result of ['differs', 'missing', 'unwritten'] as const) {
    const number = differing.filter((one) => one.result === result).length;
    if (number > 0) parts[1] += `, ${number} ${result === 'differs' && number > 1 ? 'differ' : words[result]}`;
  }
  const longest = Math.min(40, Math.max(0, ...differing.map(({ path }) => path.length)));
  return [
    timed('replay', parts.join(' · '), replay.milliseconds),
    ...differing
      .slice(0, 10)
      .map(({ path, result, because }) => indent(`${path.padEnd(longest)}  ${because ?? words[result]}`)),
    ...(differing.length > 10 ? [indent(`… and ${differing.length - 10} more: --json`)] : []),
  ];
}

export interface EndOptions {
  readonly rm: boolean;
  readonly command: readonly string[] | undefined;
  readonly kept: string | undefined;
}

/** One clear sentence, and what can be done next. */
export function endLines(answer: Reproduction, { rm, command, kept }: EndOptions): string[] {
  const lines = ['', endSentence(answer)];
  const hints: string[] = [];
  if (!rm) hints.push(`enter it        repronim login ${answer.name}`);
  if (kept === undefined && command !== undefined)
    hints.push('keep the spec   repronim reproduce -o study.repronim -- …');
  if (answer.outcome === 'differs' && command !== undefined) {
    hints.push('look closer     --stat watches what is only asked about, --env NAME writes a variable down');
  }
  return [...lines, ...hints.map(indent)];
}

function endSentence({ outcome, verdict, replays }: Reproduction): string {
  const environment = verdict.equal ? 'same environment' : 'the environment differs';
  if (outcome === 'reproduced') return 'reproduced: same environment, same results.';
  if (outcome === 'nothing compared') {
    return `not shown: ${environment}, but the command wrote nothing that could be compared.`;
  }
  const wrong = replays.flatMap(({ outputs }) => outputs).filter(({ result }) => result !== 'equal').length;
  const statuses = replays.filter(({ status }) => status.was !== status.is).length;
  const results = [
    ...(wrong > 0 ? [`${plural(wrong, 'result')} ${wrong === 1 ? 'differs' : 'differ'}`] : []),
    ...(statuses > 0 ? ['another exit status'] : []),
    ...(wrong + statuses === 0 ? ['same results'] : []),
  ];
  return `not reproduced: ${environment}, ${results.join(', ')}.`;
}

function timed(step: string, text: string, milliseconds: number): string {
  const time = duration(milliseconds);
  const line = `${step.padEnd(9)} ${text}`;
  return `${line.padEnd(width - time.length - 1)} ${time}`;
}

function indent(line: string): string {
  return `          ${line}`;
}
