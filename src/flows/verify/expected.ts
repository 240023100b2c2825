import { runId, type FileLock, type Spec, type Step } from '../../model/index.ts';
import type { Made, Part } from '../plan.ts';
import { outputsOf, startsOf } from '../run-files.ts';

/** What has to be in a root beside what its packages bring, by absolute path. */
export interface Expected {
  /** By content, link target or being a folder. */
  readonly files: ReadonlyMap<string, FileLock>;
  /** What runs write: it may be there, and it may have changed since. */
  readonly outputs: ReadonlySet<string>;
  /** What the plan makes, and why: nobody else owns it. */
  readonly planned: ReadonlyMap<string, string>;
}

/** Loose files, what runs start with, what the plan brings back of changed files, and what was traced. */
export function expectedFiles(spec: Spec, parts: readonly Part[], made: Made, traced: readonly FileLock[]): Expected {
  const files = new Map<string, FileLock>(traced.map((file) => [file.path, file]));
  const outputs = new Set<string>();
  const planned = new Map<string, string>();
  for (const step of parts.flatMap((part) => stepsOf(part, made))) takeStep(step, files, planned);
  for (const file of spec.lock?.files ?? []) files.set(file.path, file);
  for (const { own } of startsOf(spec)) for (const file of own) files.set(file.path, file);
  for (const [index, run] of (spec.runs ?? []).entries()) {
    for (const path of outputsOf(run, spec.lock?.runs?.[runId(run, index)])) outputs.add(path);
  }
  return { files, outputs, planned };
}

/** A plan may need what only its making has; what it would write is then not known beforehand. */
function stepsOf({ id, plugin, spec, lock }: Part, made: Made): readonly Step[] {
  const own = made[id];
  if (own === undefined && plugin.prepare !== undefined) return [];
  return plugin.plan(spec, lock, own ?? {});
}

function takeStep(step: Step, files: Map<string, FileLock>, planned: Map<string, string>): void {
  if (step.do === 'remove') {
    files.delete(step.path);
    planned.delete(step.path);
    return;
  }
  if (step.do !== 'write' && step.do !== 'link' && step.do !== 'directory') return;
  planned.set(step.path, step.because);
  files.delete(step.path);
  // what is text here was made up by the plan; what is content was kept from the traced system
  if (step.do !== 'write' || typeof step.content === 'string') return;
  const { path, mode, content, uid, gid } = step;
  files.set(path, {
    path,
    ...content,
    ...(mode === undefined ? {} : { mode }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
}
