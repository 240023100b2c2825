import {
  relativeTo,
  type DistributionLock,
  type FileLock,
  type Note,
  type Run,
  type RunLock,
  type Spec,
  type StreamLock,
} from '../model/index.ts';
import { localRoot } from '../roots/local.ts';
import { entryDigest } from '../formats/spec/lock.ts';
import { cutSecrets, keptEnvironment } from '../formats/spec/secrets.ts';
import type { Activations } from './activation.ts';
import type { Described } from './attribute.ts';
import { hostFacts } from './host-facts.ts';
import { entryOf, nameDistributions } from './name-distributions.ts';
import { switchedOn } from './switched-on.ts';
import type { TraceRequest } from './trace-request.ts';
import type { Watched } from './watch.ts';

export interface Findings {
  readonly request: TraceRequest;
  readonly watched: Watched | undefined;
  readonly described: readonly Described[];
  /** What switching on each distribution of a spec changes. */
  readonly activationsOf: (spec: Pick<Spec, 'distributions' | 'lock'>) => Activations;
  readonly loose: readonly FileLock[];
  readonly inputs: readonly FileLock[];
  readonly outputs: readonly FileLock[];
  readonly before: readonly FileLock[];
  readonly used: RunLock['used'];
  /** The links by which the folder of the run was reached, where `PWD` names it by another path. */
  readonly folder: readonly string[] | undefined;
}

/** The spec of what was found, without secrets. */
export async function assemble(found: Findings): Promise<{ spec: Spec; notes: readonly Note[] }> {
  const { request, loose } = found;
  const cut = request.run === undefined ? undefined : cutSecrets({ argv: request.run.command, env: request.run.env });
  const kept = keptEnvironment(cut?.env ?? {}, [
    ...(request.variables ?? []),
    ...found.described.flatMap(({ variables }) => variables ?? []),
    ...(found.folder === undefined ? [] : ['PWD']),
  ]);
  const named = nameDistributions(found.described);
  const entries = named.map((one) => entryOf(one, named));
  const locks = named.map(({ id, described }, index): [string, DistributionLock] => [
    id,
    { of: entryDigest(entries[index] ?? described.spec), ...described.lock },
  ]);
  const activations = found.activationsOf({
    distributions: entries,
    lock: { distributions: Object.fromEntries(locks) },
  });
  const { environment, with: on } = switchedOn(cut?.env ?? {}, kept, activations);
  const run = cut === undefined ? undefined : runOf(found, cut.argv, on);
  const spec: Spec = {
    repronim: 1,
    ...(run === undefined ? {} : { runs: [run.entry] }),
    ...(Object.keys(environment).length === 0 ? {} : { environment }),
    distributions: entries,
    ...some(
      'files',
      // folders that a run only used are the lock's matter
      loose.filter(({ directory }) => directory !== true).map(({ path }) => path),
    ),
    lock: {
      distributions: Object.fromEntries(locks),
      ...some('files', loose),
      ...(run === undefined ? {} : { runs: { run: run.lock } }),
      // what runs in an instance runs on this machine's kernel
      host: await hostFacts(request.run === undefined ? request.root : localRoot()),
    },
  };
  return { spec, notes: cut?.notes ?? [] };
}

function runOf(
  found: Findings,
  command: readonly string[],
  on: readonly string[],
): { entry: Run; lock: RunLock } | undefined {
  const { request, watched } = found;
  if (request.run === undefined || watched === undefined) return undefined;
  const { directory, as } = request.run;
  const seen = (files: readonly FileLock[]) =>
    // the folder itself stands as it is: `.` is no path of a run
    files.map((file) => ({ ...file, path: file.path === directory ? directory : relativeTo(file.path, directory) }));
  const inputs = seen(found.inputs);
  const outputs = seen(found.outputs);
  const entry: Run = {
    command,
    directory,
    status: watched.status,
    ...some('with', on),
    ...some(
      'inputs',
      inputs.map(({ path }) => path),
    ),
    ...some(
      'outputs',
      outputs.map(({ path }) => path),
    ),
  };
  const lock: RunLock = {
    of: entryDigest(entry),
    as,
    ...(watched.stdin === undefined ? {} : { stdin: stream(watched.stdin) }),
    ...(watched.stdout === undefined ? {} : { stdout: stream(watched.stdout) }),
    ...(found.used === undefined ? {} : { used: found.used }),
    ...some('inputs', inputs),
    ...some('outputs', outputs),
    ...some('before', seen(found.before)),
  };
  return { entry, lock };
}

function stream({ size, sha256 }: StreamLock): StreamLock {
  return { size, sha256 };
}

/** A member only where there is something to list. */
function some<K extends string, T>(key: K, list: readonly T[]): { [key in K]?: readonly T[] } {
  return list.length === 0 ? {} : ({ [key]: list } as { [key in K]?: readonly T[] });
}
