import { posix } from 'node:path';

import { byBytes, canonicalJson, runId, type Change, type FileLock, type Run, type Spec } from '../../model/index.ts';

/** What is run, on what, and what came of it, run by run. */
export function diffRuns(a: Spec, b: Spec): readonly Change[] {
  const [first, second] = [runsOf(a), runsOf(b)];
  return [...new Set([...first.keys(), ...second.keys()])].sort(byBytes).flatMap((id) => {
    const [was, is] = [first.get(id), second.get(id)];
    return diffTexts(was ?? new Map(), is ?? new Map()).map((change) => ({
      ...change,
      subject: `${id}: ${change.subject}`,
    }));
  });
}

/** The environment variables of both. */
export function diffEnvironment(a: Spec, b: Spec): readonly Change[] {
  return diffTexts(new Map(Object.entries(a.environment ?? {})), new Map(Object.entries(b.environment ?? {})));
}

/** The user's own steps, in order. */
export function diffCustomize(a: Spec, b: Spec): readonly Change[] {
  const texts = ({ customize = [] }: Spec) =>
    new Map(
      customize.map(({ run, file }, index) => [
        `step ${index + 1}`,
        run === undefined ? canonicalJson({ ...file, source: undefined }) : canonicalJson(run),
      ]),
    );
  return diffTexts(texts(a), texts(b));
}

/** Two tables, key by key, sorted. */
export function diffTexts(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): readonly Change[] {
  return [...new Set([...a.keys(), ...b.keys()])].sort(byBytes).flatMap((subject) => {
    const [was, is] = [a.get(subject), b.get(subject)];
    if (was === is) return [];
    return [{ subject, ...(was === undefined ? {} : { was }), ...(is === undefined ? {} : { is }) }];
  });
}

/** A loose file, input or output as one text: its content, or its link, and its mode. */
export function fileText({ sha256, link, directory, mode }: FileLock): string {
  const content = link === undefined ? (sha256 ?? (directory === true ? 'folder' : '')) : `→ ${link}`;
  return mode === undefined ? content : `${content} ${mode}`;
}

function runsOf(spec: Spec): ReadonlyMap<string, ReadonlyMap<string, string>> {
  return new Map((spec.runs ?? []).map((run, index) => [runId(run, index), textsOf(run, spec, runId(run, index))]));
}

function textsOf(run: Run, spec: Spec, id: string): ReadonlyMap<string, string> {
  const lock = spec.lock?.runs?.[id];
  const texts = new Map([
    ['command', canonicalJson(run.command)],
    ['directory', run.directory ?? '/'],
    ['status', String(run.status ?? 0)],
    ...(run.with === undefined ? [] : ([['switched on', run.with.join(', ')]] as const)),
  ]);
  const add = (kind: string, files: readonly FileLock[] | undefined, named: readonly string[] | undefined) => {
    const locked = new Map((files ?? []).map((file) => [posix.normalize(file.path), fileText(file)]));
    for (const path of named ?? []) texts.set(`${kind} ${path}`, locked.get(posix.normalize(path)) ?? '');
    for (const [path, text] of locked) texts.set(`${kind} ${path}`, text);
  };
  add('input', lock?.inputs, run.inputs);
  add('output', lock?.outputs, run.outputs);
  if (lock?.stdout !== undefined) texts.set('standard output', lock.stdout.sha256);
  if (lock?.stdin !== undefined) texts.set('standard input', lock.stdin.sha256);
  return texts;
}
